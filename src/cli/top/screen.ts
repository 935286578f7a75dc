// The full-screen view of `rookery top`, as lines for a terminal of a given size. Colour never says
// anything alone: what is not well has a mark before it, and stands first.

import { styleText } from 'node:util';
import { LEVEL_WEIGHT, type Level } from '../../operations/view/level.js';
import type { QueueRow } from '../../operations/view/queue-rows.js';
import type { ServerView } from '../../operations/view/server-view.js';
import type { ShardRow } from '../../operations/view/shard-rows.js';
import type { StoreRow } from '../../operations/view/store-rows.js';
import { bar, count, percent, span, uptime } from '../../operations/view/words.js';
import { shortBytes, shortSpan } from '../../operations/words.js';

/** Whose mailboxes are the fullest. */
export interface Backlog {
  readonly user: string;
  readonly messages: number;
  readonly bytes: number;
}

export const PAGES = ['all', 'shards', 'queues', 'handlers', 'backlog'] as const;
export type Page = (typeof PAGES)[number];

export interface ScreenState {
  readonly width: number;
  readonly height: number;
  readonly page: Page;
  readonly paused: boolean;
  /** Shown in place of the health: the server is away, or this is a recording. */
  readonly notice: string;
  readonly backlogs: readonly Backlog[];
}

const MARKS: Readonly<Record<Level, string>> = { well: ' ', busy: '▲', bad: '✖' };
const STYLES: Readonly<Record<Level, 'reset' | 'yellow' | 'red'>> = {
  well: 'reset',
  busy: 'yellow',
  bad: 'red',
};
const FEW_QUEUES = 4;
const FEW_BACKLOGS = 3;

interface Line {
  readonly text: string;
  readonly style?: 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'reset' | 'inverse';
}

function cells(widths: readonly number[], values: readonly string[]): string {
  return values
    .map((value, index) => {
      const width = widths[index] ?? 0;
      return width < 0 ? value.padEnd(-width) : value.padStart(width);
    })
    .join(' ');
}

function health({ alarms }: ServerView): Line {
  const [worst, ...others] = [...alarms].sort((one, other) =>
    one.severity === other.severity ? 0 : one.severity === 'critical' ? -1 : 1,
  );
  if (worst === undefined) return { text: '● well: no alarm is raised', style: 'green' };
  const more = others.length === 0 ? '' : `  (and ${others.length} more)`;
  const critical = worst.severity === 'critical';
  return {
    text: `${critical ? '✖' : '▲'} ${worst.severity}: ${worst.message}${more}`,
    style: critical ? 'red' : 'yellow',
  };
}

function head(view: ServerView, { notice, paused }: ScreenState): Line[] {
  const { server, cpu, memory, disk, descriptors, rates, mailboxes } = view;
  const clock = new Date(view.at).toISOString().slice(11, 19);
  return [
    {
      text:
        `rookery ${server.domain}  up ${uptime(server.uptimeSeconds)}  ` +
        `${count(server.usersOnline)} of ${count(server.accounts)} users online  ${clock} UTC` +
        (paused ? '  PAUSED' : ''),
      style: 'bold',
    },
    notice === '' ? health(view) : { text: notice, style: 'yellow' },
    {
      text:
        `CPU  user ${percent(cpu.user)}  system ${percent(cpu.system)}  ` +
        `idle ${percent(cpu.idle)}  stolen ${percent(cpu.stolen)}  ` +
        `server ${percent(cpu.process)} of ${cpu.cores} × 100  ` +
        `load ${cpu.load.map((each) => each.toFixed(1)).join(' ')}`,
    },
    {
      text:
        `memory ${shortBytes(memory.resident)} of ${shortBytes(memory.limit)}  disk ` +
        `${shortBytes(disk.free)} free, ${shortBytes(Math.round(disk.written))}/s written  ` +
        `descriptors ${count(descriptors.most)}/${count(descriptors.limit)}  ` +
        `retransmits ${count(view.retransmitted)}/s`,
    },
    {
      text:
        `messages ${count(rates.messagesIn)}/s in, ${count(rates.messagesOut)}/s out, ` +
        `handed over in ${span(view.handoverP50Us)}, p99 ${span(view.handoverP99Us)}  logins ` +
        `${count(rates.logins)}/s, ${count(rates.loginFailures)}/s refused`,
    },
    {
      text:
        `connections ${count(view.connections)}  sessions ${count(view.sessions)}  traffic ` +
        `${shortBytes(Math.round(rates.bytesIn))}/s in, ` +
        `${shortBytes(Math.round(rates.bytesOut))}/s out  waiting ` +
        `${count(mailboxes.messages)} messages, ${shortBytes(mailboxes.bytes)}` +
        (mailboxes.oldest > 0 ? `, the oldest ${shortSpan(mailboxes.oldest)}` : ''),
    },
  ];
}

const SHARD_WIDTHS = [1, -5, -19, 9, 7, 8, 8, 9, 9];

function shardLine(row: ShardRow): Line {
  const text = cells(SHARD_WIDTHS, [
    MARKS[row.level],
    String(row.id),
    `${bar(row.cpuPercent)} ${percent(row.cpuPercent)}`,
    span(row.turnP99Us),
    count(row.connections),
    count(row.messagesIn),
    count(row.messagesOut),
    span(row.handoverP50Us),
    span(row.handoverP99Us),
  ]);
  return { text: row.why === '' ? text : `${text}  ${row.why}`, style: STYLES[row.level] };
}

function shards({ shards: rows }: ServerView, most: number): Line[] {
  const titles = ['', 'shard', 'CPU', 'turn p99', 'conns', 'in/s', 'out/s', 'over p50', 'p99'];
  const sorted = [...rows].sort(
    (one, other) => LEVEL_WEIGHT[other.level] - LEVEL_WEIGHT[one.level] || one.id - other.id,
  );
  const shown = sorted.slice(0, most);
  const left = rows.length - shown.length;
  return [
    { text: cells(SHARD_WIDTHS, titles), style: 'inverse' },
    ...shown.map(shardLine),
    ...(left > 0
      ? [{ text: `  … ${left} more, as well as these: press 2`, style: 'dim' } as Line]
      : []),
  ];
}

const QUEUE_WIDTHS = [1, -26, 16, 10, 10, 10];

function queueLine({ name, depth, limit, highWater, refused, waitP99Us, level }: QueueRow): Line {
  return {
    text: cells(QUEUE_WIDTHS, [
      MARKS[level],
      name,
      `${count(depth)}/${count(limit)}`,
      highWater > 0 ? count(highWater) : '-',
      count(refused),
      span(waitP99Us),
    ]),
    style: STYLES[level],
  };
}

function queues({ queues: rows }: ServerView, most: number): Line[] {
  const titles = ['', 'queue, the fullest first', 'depth', 'highest', 'refused/s', 'wait p99'];
  return [
    { text: cells(QUEUE_WIDTHS, titles), style: 'inverse' },
    ...rows.slice(0, most).map(queueLine),
  ];
}

const STORE_WIDTHS = [1, -26, 16, 10, 10, 10];

function storeLine({ id, commits, records, commitP99Us, fsyncP99Us, level }: StoreRow): Line {
  return {
    text: cells(STORE_WIDTHS, [
      MARKS[level],
      `store ${id}`,
      count(commits),
      count(records),
      span(commitP99Us),
      span(fsyncP99Us),
    ]),
    style: STYLES[level],
  };
}

function stores({ stores: rows }: ServerView): Line[] {
  const titles = ['', 'store', 'commits/s', 'records/s', 'commit p99', 'fsync p99'];
  return [{ text: cells(STORE_WIDTHS, titles), style: 'inverse' }, ...rows.map(storeLine)];
}

function control({ control: figures }: ServerView, most: number): Line[] {
  const { lagP99Ms, busyPercent, heap, handlers } = figures;
  return [
    {
      text:
        `control plane: event loop late p99 ${span(lagP99Ms * 1000)}, ` +
        `busy ${percent(busyPercent)}, heap ${shortBytes(heap)}`,
      style: 'inverse',
    },
    ...handlers.slice(0, most).map(({ namespace, calls, p99Us }) => ({
      text: `  ${namespace.padEnd(46)} ${count(calls).padStart(8)}/s  p99 ${span(p99Us)}`,
    })),
  ];
}

function backlog(backlogs: readonly Backlog[], most: number): Line[] {
  return [
    { text: 'most waits for', style: 'inverse' },
    ...backlogs.slice(0, most).map(({ user, messages, bytes }) => ({
      text: `  ${user.padEnd(46)} ${count(messages).padStart(8)} messages, ${shortBytes(bytes)}`,
    })),
    ...(backlogs.length === 0 ? [{ text: '  nobody', style: 'dim' } as Line] : []),
  ];
}

function body(view: ServerView, state: ScreenState): Line[] {
  const room = state.height;
  switch (state.page) {
    case 'shards':
      return shards(view, room);
    case 'queues':
      return [...queues(view, room), ...stores(view)];
    case 'handlers':
      return control(view, room);
    case 'backlog':
      return backlog(state.backlogs, room);
    case 'all': {
      const fixed = 6 + 2 + FEW_QUEUES + 1 + view.stores.length + 1 + 1 + 2 + FEW_BACKLOGS + 1;
      return [
        ...shards(view, Math.max(2, room - fixed)),
        ...queues(view, FEW_QUEUES),
        ...stores(view),
        ...control(view, 2),
        ...backlog(state.backlogs, FEW_BACKLOGS),
      ];
    }
  }
}

function cut(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

/** Exactly `height` lines of at most `width` characters, and with colours when `colour`. */
export function screen(view: ServerView, state: ScreenState, colour: boolean): string[] {
  const footer = `1–5 ${PAGES.join(' ')}  p pause  q quit`;
  const lines = [...head(view, state), ...body(view, state)].slice(0, state.height - 1);
  while (lines.length < state.height - 1) lines.push({ text: '' });
  lines.push({ text: footer, style: 'dim' });
  return lines.map(({ text, style }) => {
    const fitting = cut(text, state.width);
    if (!colour || style === undefined || style === 'reset') return fitting;
    const wide = style === 'inverse' ? fitting.padEnd(state.width) : fitting;
    return styleText(style, wide, { validateStream: false });
  });
}
