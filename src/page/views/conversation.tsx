// One chat: who it is with, its messages, and the field to write in.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Message } from '../../sdk/browser.js';
import {
  activities,
  closeChat,
  editing,
  lastSeen,
  messages,
  open,
  retract,
  submit,
  typed,
} from '../model.js';
import { blocked, contacts, isNamed, nameOf, numberOf, people, shown, unblock } from '../people.js';
import { connection } from '../session.js';
import { Avatar } from './avatar.js';
import { Outcome, useTask } from './task.js';
import { TickMark } from './tick-mark.js';
import { timeOf } from './time.js';

function Presence({ peer }: { peer: string }) {
  const activity = activities.value.get(peer);
  const seen = lastSeen.value;
  let text = '';
  if (activity === 'typing') text = 'typing …';
  else if (activity === 'recording') text = 'recording …';
  else if (seen?.online === true) text = 'online';
  else if (seen !== undefined) text = `last seen ${timeOf(seen.at.getTime())}`;
  return (
    <p class={activity === undefined ? 'presence' : 'presence activity'} aria-live="polite">
      {text}
    </p>
  );
}

function Actions({ message }: { message: Message }) {
  return (
    <span class="actions">
      <button
        type="button"
        onClick={() => {
          editing.value = message;
        }}
      >
        Edit
      </button>
      <button type="button" onClick={() => void retract(message)}>
        Delete for everyone
      </button>
    </span>
  );
}

function Bubble({ message }: { message: Message }) {
  const { mine, retracted, edited, body, at } = message;
  return (
    <li class={mine ? 'message mine' : 'message'} data-id={message.id}>
      <span class="spoken">{mine ? 'You: ' : ''}</span>
      <span class={retracted ? 'body retracted' : 'body'}>
        {retracted ? 'This message was deleted.' : body}
      </span>
      <span class="meta">
        {edited && !retracted && 'edited '}
        <time>{timeOf(at)}</time>
        {mine && !retracted && <TickMark message={message} />}
      </span>
      {mine && !retracted && <Actions message={message} />}
    </li>
  );
}

function Composer() {
  const replaced = editing.value;
  const [text, setText] = useState(replaced?.body ?? '');
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const send = () => {
    void submit(text);
    setText('');
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape') {
      if (replaced === undefined) closeChat();
      else editing.value = undefined;
    }
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label for="text" class="spoken">
        {replaced === undefined ? 'Message' : 'New text of the message'}
      </label>
      <textarea
        id="text"
        ref={field}
        rows={1}
        placeholder={replaced === undefined ? 'Message' : 'New text'}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          typed(event.currentTarget.value);
        }}
        onKeyDown={key}
      />
      <button type="submit" disabled={text.trim() === ''}>
        {replaced === undefined ? 'Send' : 'Save'}
      </button>
    </form>
  );
}

/** In place of the composer. */
function Blocked({ peer }: { peer: string }) {
  const task = useTask();
  return (
    <div class="composer blocked">
      <p>You have blocked {nameOf(peer)}.</p>
      <button
        type="button"
        disabled={task.busy || connection.value !== 'online'}
        onClick={() => void task.run(() => unblock(peer))}
      >
        Unblock
      </button>
      <Outcome task={task} />
    </div>
  );
}

function Head({ peer }: { peer: string }) {
  const { about } = people.value.get(peer) ?? {};
  // Anybody can give themselves any name: the number says who it is.
  const showsNumber = isNamed(peer) && !contacts.value.has(peer);
  return (
    <header>
      <button type="button" class="back" onClick={closeChat} aria-label="Back to the chats">
        ‹
      </button>
      <Avatar peer={peer} />
      <div class="who">
        <h2>
          <button
            type="button"
            class="plain"
            aria-haspopup="dialog"
            title="About this person"
            onClick={() => {
              shown.value = peer;
            }}
          >
            {nameOf(peer)}
          </button>
        </h2>
        <div class="facts">
          <Presence peer={peer} />
          {showsNumber && <p>{numberOf(peer)}</p>}
          {about !== undefined && <p class="about">{about}</p>}
        </div>
      </div>
    </header>
  );
}

/** The column on the right. */
export function Conversation() {
  const peer = open.value;
  const list = useRef<HTMLOListElement>(null);
  const shown = messages.value;
  useLayoutEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [shown]);
  if (peer === undefined) {
    return (
      <main class="conversation empty">
        <p class="hint">Choose a chat, or type a number to begin one.</p>
      </main>
    );
  }
  return (
    <main class="conversation">
      <Head peer={peer} />
      <ol ref={list} class="messages" aria-label="Messages">
        {shown.map((message) => (
          <Bubble key={`${message.mine}${message.id}`} message={message} />
        ))}
      </ol>
      {/* Another chat, or another message to edit, begins with another text. */}
      {blocked.value.has(peer) ? (
        <Blocked peer={peer} />
      ) : (
        <Composer key={`${peer} ${editing.value?.id ?? ''}`} />
      )}
    </main>
  );
}
