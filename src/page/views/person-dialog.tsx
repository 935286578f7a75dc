// All that is known of the other side of a chat, and what can be done about them.

import { useEffect, useRef, useState } from 'preact/hooks';
import {
  addContact,
  block,
  blocked,
  contacts,
  nameOf,
  numberOf,
  people,
  removeContact,
  shown,
  unblock,
} from '../people.js';
import { connection } from '../session.js';
import { Avatar } from './avatar.js';
import { Outcome, type Task, useTask } from './task.js';

function ContactForm({ peer, task }: { peer: string; task: Task }) {
  const given = contacts.value.get(peer);
  const own = people.value.get(peer)?.name ?? '';
  const [name, setName] = useState(given ?? own);
  const save = (event: Event) => {
    event.preventDefault();
    void task.run(() => addContact(peer, name), `Kept as ${name.trim() || numberOf(peer)}.`);
  };
  return (
    <form onSubmit={save}>
      <label for="contact-name">Name in your contacts</label>
      <input
        id="contact-name"
        maxLength={100}
        autocomplete="off"
        placeholder={own === '' ? numberOf(peer) : own}
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <div class="buttons">
        <button type="submit" disabled={task.busy || name === given}>
          {given === undefined ? 'Add to contacts' : 'Rename'}
        </button>
        {given !== undefined && (
          <button
            type="button"
            class="quiet"
            disabled={task.busy}
            onClick={() =>
              void task.run(() => removeContact(peer), 'Not one of your contacts any more.')
            }
          >
            Remove from contacts
          </button>
        )}
      </div>
    </form>
  );
}

function Content({ peer }: { peer: string }) {
  const task = useTask();
  const name = nameOf(peer);
  const { about = '' } = people.value.get(peer) ?? {};
  const isBlocked = blocked.value.has(peer);
  return (
    <>
      <Avatar peer={peer} large />
      <h2 id="person-name">{name}</h2>
      {name !== numberOf(peer) && <p class="hint">{numberOf(peer)}</p>}
      {about !== '' && <p class="words">{about}</p>}
      <fieldset class="parts" disabled={connection.value !== 'online'}>
        <legend class="spoken">What you can do</legend>
        <ContactForm peer={peer} task={task} />
        <p class="hint">
          {isBlocked
            ? 'Blocked: nothing of theirs reaches you, and they see nothing of you.'
            : 'Blocking somebody keeps their messages away, and hides you from them.'}
        </p>
        <div class="buttons">
          {isBlocked ? (
            <button
              type="button"
              disabled={task.busy}
              onClick={() => void task.run(() => unblock(peer), `${name} is not blocked any more.`)}
            >
              Unblock
            </button>
          ) : (
            <button
              type="button"
              class="danger"
              disabled={task.busy}
              onClick={() => void task.run(() => block(peer), `${name} is blocked.`)}
            >
              Block
            </button>
          )}
        </div>
        <Outcome task={task} />
      </fieldset>
    </>
  );
}

/** Opens over the chat; the browser keeps the focus in it, and Escape closes it. */
export function PersonDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const peer = shown.value;
  useEffect(() => {
    const element = dialog.current;
    if (peer === undefined || element === null || element.open) return;
    // A click beside it closes it, too, where the browser knows this.
    element.setAttribute('closedby', 'any');
    element.showModal();
  }, [peer]);
  if (peer === undefined) return null;
  return (
    <dialog
      ref={dialog}
      class="person"
      aria-labelledby="person-name"
      onClose={() => {
        shown.value = undefined;
      }}
    >
      <div class="content">
        <form method="dialog">
          <button type="submit" class="icon" aria-label="Close">
            ×
          </button>
        </form>
        <Content key={peer} peer={peer} />
      </div>
    </dialog>
  );
}
