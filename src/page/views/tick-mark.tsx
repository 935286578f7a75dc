// How far a message has come: a clock, one tick, two ticks, two coloured ticks.

import type { Message } from '../../sdk/browser.js';

const MARKS = {
  queued: { text: '◷', label: 'waiting to be sent' },
  accepted: { text: '✓', label: 'sent' },
  delivered: { text: '✓✓', label: 'delivered' },
  read: { text: '✓✓', label: 'read' },
  failed: { text: '!', label: 'not delivered' },
};

/** The mark of an own message. */
export function TickMark({ message }: { message: Message }) {
  const tick = message.tick ?? 'queued';
  const { text, label } = MARKS[tick];
  const title = message.failure === undefined ? label : `${label}: ${message.failure}`;
  return (
    <span class={`tick ${tick}`} role="img" aria-label={title} title={title}>
      {text}
    </span>
  );
}
