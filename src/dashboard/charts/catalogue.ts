// Which charts there are: their lines, and how their figures are written.

import type { ViewPoint } from '../../operations/view/view-point.js';
import { count, percent, span } from '../../operations/view/words.js';
import { shortBytes } from '../../operations/words.js';

export interface Line {
  readonly label: string;
  /** Where there is little room. */
  readonly short?: string;
  /** Undefined: nothing happened in that second. */
  readonly read: (point: ViewPoint) => number | undefined;
  /** A number of the palette. */
  readonly tone: number;
  readonly dashed?: boolean;
}

export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  readonly write: (value: number) => string;
  /** What decides at which values the scale has its lines. */
  readonly unit?: 'count' | 'bytes';
  readonly lines: readonly Line[] | ((shards: number) => readonly Line[]);
  /** Steps of ten: what differs by powers. */
  readonly logarithmic?: boolean;
  /** The top of the scale, at least. */
  readonly top?: number;
  /** What is said where no line is drawn. */
  readonly empty?: string;
}

const perSecond = (value: number): string => `${count(Math.round(value))}/s`;
const bytesPerSecond = (value: number): string => `${shortBytes(Math.round(value))}/s`;
const bytes = (value: number): string => shortBytes(Math.round(value));
const whole = (value: number): string => count(Math.round(value));
/** Of a second without anything there is no percentile. */
const some = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

const NOTHING_HANDED = 'Nothing was handed over.';

function ofShards(
  read: (shard: ViewPoint['shards'][number]) => number | undefined,
): (shards: number) => readonly Line[] {
  return (shards) =>
    Array.from({ length: shards }, (_, id) => ({
      label: `shard ${id}`,
      short: String(id),
      tone: id,
      read: ({ shards: all }: ViewPoint) => {
        const shard = all[id];
        return shard === undefined ? undefined : read(shard);
      },
    }));
}

export const CHARTS: readonly ChartSpec[] = [
  {
    id: 'messages',
    title: 'Messages',
    write: perSecond,
    unit: 'count',
    lines: [
      { label: 'in', tone: 0, read: ({ messagesIn }) => messagesIn },
      { label: 'handed over', tone: 1, read: ({ messagesOut }) => messagesOut, dashed: true },
    ],
  },
  {
    id: 'handover',
    title: 'Hand-over of messages',
    write: span,
    logarithmic: true,
    empty: NOTHING_HANDED,
    lines: [
      { label: 'p99', tone: 1, read: ({ handoverP99Us }) => some(handoverP99Us) },
      { label: 'median', tone: 0, read: ({ handoverP50Us }) => some(handoverP50Us) },
    ],
  },
  {
    id: 'turns',
    title: 'Turns of each shard, p99',
    write: span,
    logarithmic: true,
    lines: ofShards(({ turnP99Us }) => some(turnP99Us)),
  },
  {
    id: 'shard-cpu',
    title: 'CPU of each shard',
    write: percent,
    top: 100,
    lines: ofShards(({ cpu }) => cpu),
  },
  {
    id: 'cpu',
    title: 'CPU',
    write: percent,
    top: 100,
    lines: [
      { label: 'server, of one core', tone: 0, read: ({ cpu }) => cpu },
      { label: 'machine, of all', tone: 6, read: ({ machineCpu }) => machineCpu, dashed: true },
    ],
  },
  {
    id: 'commits',
    title: 'Commits to disk, p99',
    write: span,
    logarithmic: true,
    empty: 'Nothing was committed.',
    lines: [
      { label: 'commit', tone: 2, read: ({ commitP99Us }) => some(commitP99Us) },
      { label: 'its fsync', tone: 1, read: ({ fsyncP99Us }) => some(fsyncP99Us), dashed: true },
    ],
  },
  {
    id: 'connections',
    title: 'Connections',
    write: whole,
    unit: 'count',
    lines: [
      { label: 'connections', tone: 2, read: ({ connections }) => connections },
      { label: 'sessions', tone: 0, read: ({ sessions }) => sessions, dashed: true },
    ],
  },
  {
    id: 'logins',
    title: 'Logins',
    write: perSecond,
    unit: 'count',
    lines: [{ label: 'logins', tone: 3, read: ({ logins }) => logins }],
  },
  {
    id: 'waiting',
    title: 'Waiting messages',
    write: whole,
    unit: 'count',
    lines: [{ label: 'in mailboxes', tone: 4, read: ({ mailboxMessages }) => mailboxMessages }],
  },
  {
    id: 'memory',
    title: 'Memory',
    write: bytes,
    unit: 'bytes',
    lines: [
      { label: 'resident', tone: 5, read: ({ memory }) => memory },
      { label: 'mailboxes', tone: 4, read: ({ mailboxBytes }) => mailboxBytes, dashed: true },
    ],
  },
  {
    id: 'loop',
    title: 'Event loop of the control plane',
    write: (ms) => span(ms * 1000),
    lines: [{ label: 'late, p99', tone: 3, read: ({ lagP99Ms }) => lagP99Ms }],
  },
  {
    id: 'traffic',
    title: 'Traffic',
    write: bytesPerSecond,
    unit: 'bytes',
    lines: [
      { label: 'in', tone: 0, read: ({ bytesIn }) => bytesIn },
      { label: 'out', tone: 1, read: ({ bytesOut }) => bytesOut, dashed: true },
    ],
  },
];

/** The lines of a chart of a server with so many shards. */
export function linesOf({ lines }: ChartSpec, shards: number): readonly Line[] {
  return typeof lines === 'function' ? lines(shards) : lines;
}
