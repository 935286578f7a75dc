// The big numbers: what each is called, where it stands in a view and in a point, and which rules'
// alarms concern it.

import type { ServerView } from '../../operations/view/server-view.js';
import type { ViewPoint } from '../../operations/view/view-point.js';
import { count, percent, span } from '../../operations/view/words.js';
import { shortBytes, shortSpan } from '../../operations/words.js';

export interface Figure {
  readonly id: string;
  readonly label: string;
  readonly value: (view: ServerView) => string;
  readonly note: (view: ServerView) => string;
  /** For the line beneath it; none: it has no history. */
  readonly line?: (point: ViewPoint) => number;
  readonly rules: readonly string[];
}

export const FIGURES: readonly Figure[] = [
  {
    id: 'users',
    label: 'Users online',
    value: ({ server }) => count(server.usersOnline),
    note: ({ server }) => `of ${count(server.accounts)} accounts`,
    line: ({ sessions }) => sessions,
    rules: ['descriptors'],
  },
  {
    id: 'messages',
    label: 'Messages',
    value: ({ rates }) => `${count(rates.messagesIn)} /s`,
    note: ({ rates }) => `${count(rates.messagesOut)}/s handed over`,
    line: ({ messagesIn }) => messagesIn,
    rules: [],
  },
  {
    id: 'handover-p50',
    label: 'Hand-over, median',
    value: ({ handoverP50Us }) => span(handoverP50Us),
    note: ({ rates }) => (rates.messagesOut > 0 ? 'half is faster' : 'nothing to hand over'),
    line: ({ handoverP50Us }) => handoverP50Us,
    rules: [],
  },
  {
    id: 'handover-p99',
    label: 'Hand-over, p99',
    value: ({ handoverP99Us }) => span(handoverP99Us),
    note: ({ rates }) => (rates.messagesOut > 0 ? '99 of 100 are faster' : 'nothing to hand over'),
    line: ({ handoverP99Us }) => handoverP99Us,
    rules: ['shardLag'],
  },
  {
    id: 'cpu',
    label: 'CPU, of one core',
    value: ({ cpu }) => percent(cpu.process),
    note: ({ cpu }) => `machine ${Math.round(100 - cpu.idle)} % busy`,
    line: ({ cpu }) => cpu,
    rules: ['eventLoopLag'],
  },
  {
    id: 'memory',
    label: 'Memory',
    value: ({ memory }) => shortBytes(memory.resident),
    note: ({ memory }) => `of ${shortBytes(memory.limit)}`,
    line: ({ memory }) => memory,
    rules: ['memory'],
  },
  {
    id: 'waiting',
    label: 'Waiting messages',
    value: ({ mailboxes }) => count(mailboxes.messages),
    note: ({ mailboxes: { bytes, oldest } }) =>
      oldest > 0 ? `${shortBytes(bytes)}, oldest ${shortSpan(oldest)}` : shortBytes(bytes),
    line: ({ mailboxMessages }) => mailboxMessages,
    rules: ['mailboxAge', 'queue'],
  },
  {
    id: 'disk',
    label: 'Disk free',
    value: ({ disk }) => shortBytes(disk.free),
    note: ({ disk }) => `${shortBytes(Math.round(disk.written))}/s written`,
    rules: ['disk'],
  },
];

/** `1.2 ms` → its number and its unit. */
export function inParts(text: string): { readonly number: string; readonly unit: string } {
  const [number = '', ...unit] = text.split(' ');
  return { number, unit: unit.join(' ') };
}
