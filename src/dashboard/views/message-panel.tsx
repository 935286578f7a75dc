// Where a message is: its steps as a line of time, with the time from one to the next.

import { useEffect, useState } from 'preact/hooks';
import type { FoundMessage, MessageStep, WhereMessage } from '../api/answers.js';
import { open } from '../model/drawer.js';
import { query } from '../model/session.js';
import { complain } from '../model/toasts.js';
import { between, stepWords } from '../model/words.js';
import { DrawerFrame } from './drawer-frame.js';

/** Steps after which something is wrong, and those that end well. */
const BAD = new Set(['refused', 'expired', 'unreadable', 'removed']);
const GOOD = new Set(['acknowledged']);

function tone(step: string): string {
  if (BAD.has(step)) return 'bad';
  return GOOD.has(step) ? 'well' : '';
}

function Step({ step, before }: { step: MessageStep; before: MessageStep | undefined }) {
  return (
    <li class={`step ${tone(step.step)}`}>
      <p>
        <b>{stepWords(step)}</b>
      </p>
      <p class="faint">
        <time>{step.at.replace('T', ' ').replace('Z', ' UTC')}</time>
        {before === undefined ? undefined : <span class="gap">+{between(before, step)}</span>}
      </p>
    </li>
  );
}

function bare(address: string): string {
  return address.split('/')[0] ?? address;
}

function Person({ address }: { address: string }) {
  return (
    <button
      type="button"
      class="plain breakable"
      onClick={() => open({ kind: 'user', user: bare(address) })}
    >
      {address}
    </button>
  );
}

function Timeline({ message }: { message: FoundMessage }) {
  const { from, to, state, steps } = message;
  return (
    <section>
      <p>
        from <Person address={from} /> to <Person address={to} />: <b>{state}</b>
      </p>
      <ol class="timeline">
        {steps.map((step, index) => (
          <Step key={`${step.at} ${step.step}`} step={step} before={steps[index - 1]} />
        ))}
      </ol>
    </section>
  );
}

export function MessagePanel({ id }: { id: string }) {
  const [found, setFound] = useState<WhereMessage | undefined>(undefined);
  const [asked, setAsked] = useState(0);
  // Each time it is asked anew.
  useEffect(() => {
    let isOver = false;
    query<WhereMessage>('api/v1/where', { input: { id } })
      .then((answer) => {
        if (!isOver) setFound(answer);
      })
      .catch(complain);
    return () => {
      isOver = true;
    };
  }, [id, asked]);
  return (
    <DrawerFrame title={`Message ${id}`}>
      {found === undefined ? <p class="faint">Asking …</p> : undefined}
      {found?.messages.map((message) => (
        <Timeline key={`${message.from} ${message.steps[0]?.at}`} message={message} />
      ))}
      {found?.messages.length === 0 ? <p>No message of this id is remembered.</p> : undefined}
      {found?.truncated === true ? <p class="faint">There are more of this id.</p> : undefined}
      <button type="button" class="small quiet" onClick={() => setAsked(asked + 1)}>
        Ask again
      </button>
    </DrawerFrame>
  );
}
