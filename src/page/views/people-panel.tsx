// Finds out which numbers are registered, and shows the contacts.

import { useState } from 'preact/hooks';
import { openChat } from '../model.js';
import {
  addContact,
  contacts,
  findPeople,
  nameOf,
  numberOf,
  numbersIn,
  people,
} from '../people.js';
import { Avatar } from './avatar.js';
import { Panel, Part } from './panel.js';
import { Outcome, type Task, useTask } from './task.js';

interface Result {
  readonly number: string;
  /** Undefined: not registered. */
  readonly peer: string | undefined;
}

function PersonLine({ peer, task }: { peer: string; task: Task }) {
  const name = nameOf(peer);
  const { about = '' } = people.value.get(peer) ?? {};
  return (
    <li class="row">
      <Avatar peer={peer} />
      <span class="what">
        <strong>{name}</strong>
        <span class="hint">{name === numberOf(peer) ? about : numberOf(peer)}</span>
      </span>
      {!contacts.value.has(peer) && (
        <button
          type="button"
          class="quiet"
          aria-label={`Add ${name} to the contacts`}
          disabled={task.busy}
          onClick={() =>
            void task.run(() => addContact(peer, ''), `${name} is one of your contacts.`)
          }
        >
          Add
        </button>
      )}
      <button type="button" aria-label={`Chat with ${name}`} onClick={() => void openChat(peer)}>
        Chat
      </button>
    </li>
  );
}

function countOf(registered: number, asked: number): string {
  return `${registered} of ${asked} ${asked === 1 ? 'number is' : 'numbers are'} registered.`;
}

function Finder() {
  const task = useTask();
  const [text, setText] = useState('');
  const [results, setResults] = useState<readonly Result[]>([]);
  const numbers = numbersIn(text);
  const find = (event: Event) => {
    event.preventDefault();
    void task.run(async () => {
      const found = new Map((await findPeople(numbers)).map(({ number, peer }) => [number, peer]));
      setResults(numbers.map((number) => ({ number, peer: found.get(number) })));
    });
  };
  const registered = results.filter(({ peer }) => peer !== undefined).length;
  return (
    <>
      <form onSubmit={find}>
        <label for="numbers">Phone numbers, each on a line, with their country codes</label>
        <textarea
          id="numbers"
          rows={3}
          inputMode="tel"
          placeholder={'+49 170 1234567\n+1 201 555 0123'}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          aria-describedby="numbers-hint"
        />
        <p class="hint" id="numbers-hint">
          The server is sent hashes of them, from which it could find the numbers.
        </p>
        <div class="buttons">
          <button type="submit" disabled={task.busy || numbers.length === 0}>
            Find
          </button>
        </div>
      </form>
      <p role="status">{results.length > 0 && countOf(registered, results.length)}</p>
      <ul class="rows" aria-label="Found">
        {results.map(({ number, peer }) =>
          peer === undefined ? (
            <li class="row" key={number}>
              <span class="what">
                <span>{number}</span>
                <span class="hint">Not registered</span>
              </span>
            </li>
          ) : (
            <PersonLine key={number} peer={peer} task={task} />
          ),
        )}
      </ul>
      <Outcome task={task} />
    </>
  );
}

/** In the place of the chat list. */
export function PeoplePanel() {
  const task = useTask();
  const listed = [...contacts.value.keys()].sort((left, right) =>
    nameOf(left).localeCompare(nameOf(right)),
  );
  return (
    <Panel title="People">
      <div class="parts">
        <Part title="Find people">
          <Finder />
        </Part>
        <Part title="Contacts">
          {listed.length === 0 && <p class="hint">None yet.</p>}
          <ul class="rows" aria-label="Contacts">
            {listed.map((peer) => (
              <PersonLine key={peer} peer={peer} task={task} />
            ))}
          </ul>
        </Part>
      </div>
    </Panel>
  );
}
