// One user: their sessions, what waits for them, and their stanzas as they come and go.

import { useEffect, useState } from 'preact/hooks';
import { count } from '../../operations/view/words.js';
import { shortBytes } from '../../operations/words.js';
import type { Mailbox, Session, Sessions } from '../api/answers.js';
import { act, obstacle } from '../model/acting.js';
import { open } from '../model/drawer.js';
import { view } from '../model/live.js';
import { usePolled } from '../model/polling.js';
import { complain } from '../model/toasts.js';
import { stopTracing } from '../model/tracing.js';
import { ago, wayWords } from '../model/words.js';
import { DrawerFrame } from './drawer-frame.js';
import { TraceView } from './trace-view.js';

const EVERY_MS = 5000;
const MOST_MESSAGES = 50;

function SessionItem({ session, now }: { session: Session; now: number }) {
  const { user, resource, way, address, since, available, priority, unacknowledged } = session;
  const why = obstacle('kick');
  const facts = [
    wayWords(way) || 'waits to be resumed',
    address,
    `for ${ago(since, now)}`,
    available ? `available, priority ${priority}` : 'not available',
    unacknowledged > 0 ? `${count(unacknowledged)} not acknowledged` : '',
  ];
  return (
    <li class="session">
      <div>
        <p class="breakable">
          <b>{resource}</b>
        </p>
        <p class="faint">{facts.filter((fact) => fact !== '').join(' · ')}</p>
      </div>
      <button
        type="button"
        class="small danger"
        disabled={why !== undefined}
        title={why}
        aria-label={`End the session ${resource}`}
        onClick={() => act('kick', { user, resource }, 'End the session')}
      >
        Kick
      </button>
    </li>
  );
}

function SessionList({ sessions, now }: { sessions: Sessions | undefined; now: number }) {
  if (sessions === undefined) return <p class="faint">Asking …</p>;
  if (sessions.sessions.length === 0) return <p class="faint">Not connected.</p>;
  return (
    <ul class="sessions">
      {sessions.sessions.map((session) => (
        <SessionItem key={session.resource} session={session} now={now} />
      ))}
    </ul>
  );
}

function Waiting({ mailbox, now }: { mailbox: Mailbox | undefined; now: number }) {
  if (mailbox === undefined) return <p class="faint">Asking …</p>;
  const { total, messages, truncated } = mailbox;
  if (total.messages === 0) return <p class="faint">Nothing waits.</p>;
  return (
    <>
      <p>
        <b>{count(total.messages)}</b> {total.messages === 1 ? 'message' : 'messages'},{' '}
        {shortBytes(total.bytes)}
        {total.oldest === undefined ? '' : `, the oldest for ${ago(total.oldest, now)}`}
      </p>
      <table>
        <caption class="spoken">Waiting messages</caption>
        <thead>
          <tr>
            <th scope="col">message</th>
            <th scope="col">for</th>
            <th scope="col" class="number">
              size
            </th>
            <th scope="col">where</th>
          </tr>
        </thead>
        <tbody>
          {messages.map(({ sequence, id, accepted, bytes, place, sentTo }) => (
            <tr key={sequence}>
              <th scope="row" class="breakable">
                {id === '' ? (
                  `number ${sequence}`
                ) : (
                  <button type="button" class="plain" onClick={() => open({ kind: 'message', id })}>
                    {id}
                  </button>
                )}
              </th>
              <td>{ago(accepted, now)}</td>
              <td class="number">{shortBytes(bytes)}</td>
              <td>{sentTo === '' ? place : `${place}, sent to ${sentTo}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {truncated ? <p class="faint">… and more</p> : undefined}
    </>
  );
}

export function UserPanel({ user }: { user: string }) {
  const [isGone, setGone] = useState(false);
  const now = view.value?.at ?? Date.now();
  const failed = (error: unknown): void => {
    setGone(true);
    complain(error);
  };
  const sessions = usePolled<Sessions>('api/v1/sessions', { user }, EVERY_MS, true, failed);
  const question = { user, limit: MOST_MESSAGES };
  const mailbox = usePolled<Mailbox>('api/v1/mailbox', question, EVERY_MS, true, failed);
  // A trace ends with its user's sheet.
  useEffect(() => stopTracing, [user]);
  const address = mailbox?.total.user ?? user;
  return (
    <DrawerFrame title={address}>
      {isGone ? <p role="alert">The server could not be asked about {user}.</p> : undefined}
      <section aria-labelledby="sessions-title">
        <h3 id="sessions-title">Sessions</h3>
        <SessionList sessions={sessions} now={now} />
      </section>
      <section aria-labelledby="mailbox-title">
        <h3 id="mailbox-title">Mailbox</h3>
        <Waiting mailbox={mailbox} now={now} />
      </section>
      <TraceView user={address} />
    </DrawerFrame>
  );
}
