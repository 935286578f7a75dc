// The rules of the alarms: what each looks at in a sample, and what it says of it.

import { histogramSince, quantile } from '../../base/histogram.js';
import type { AlarmRuleName } from '../../config/alarms-schema.js';
import type { Config } from '../../config/schema.js';
import type { ShardFigures } from '../../engine/engine-stats.js';
import { queueLabel } from '../metrics/engine-metrics.js';
import type { Sample } from '../sample.js';
import { shortSpan } from '../words.js';

/** A sample before its alarms are known. */
export type Figures = Omit<Sample, 'alarms'>;

/** What a rule found about one thing. */
export interface Reading {
  /** Which thing; empty where there is but one. */
  readonly subject: string;
  readonly value: number;
}

/** When an alarm is raised, becomes critical, is cleared. */
export interface Levels {
  readonly warning: number;
  readonly critical: number;
  readonly clear: number;
}

export interface AlarmRule {
  readonly name: AlarmRuleName;
  /** What is watched, in a few words. */
  readonly summary: string;
  /** What the numbers are. */
  readonly unit: string;
  /** Fewer is worse. */
  readonly isFloor: boolean;
  /** What to do about it, for the documentation. */
  readonly advice: string;
  levels(config: Config): Levels;
  read(sample: Figures, before: Figures | undefined): Reading[];
  /** What is wrong, in a sentence. */
  say(reading: Reading): string;
}

const SHARE = 0.99;
const US_PER_MS = 1000;
const DAY_MS = 86_400_000;
const DAY_SECONDS = 86_400;
const MAILBOX_SHARES: Levels = { warning: 0.9, critical: 0.97, clear: 0.8 };

function percent(part: number, whole: number): number {
  return whole > 0 ? Math.round((part / whole) * 1000) / 10 : 0;
}

/** The longest turns of a second, and how late the shard woke. */
function lagOf({ histograms }: ShardFigures, before: ShardFigures | undefined): number {
  const worst = (['loop_us', 'lag_us'] as const).map((name) =>
    quantile(histogramSince(histograms[name], before?.histograms[name]), SHARE),
  );
  return Math.max(...worst) / US_PER_MS;
}

/**
 * How long a store has had something to do and has done nothing since the sample before: a commit
 * that does not end is in no histogram.
 */
function stalledUs(store: number, { at, engine }: Figures, before: Figures | undefined): number {
  if (before === undefined) return 0;
  const towards = `→store-${store}`;
  const waiting = engine.queues.filter(({ name, depth }) => depth > 0 && name.endsWith(towards));
  const moved = engine.queues.some(({ name, popped }) => {
    if (!name.endsWith(towards)) return false;
    return popped !== before.engine.queues.find((queue) => queue.name === name)?.popped;
  });
  const waited = waiting.some(({ name }) =>
    before.engine.queues.some((queue) => queue.name === name && queue.depth > 0),
  );
  return waited && !moved ? (at - before.at) * US_PER_MS : 0;
}

const queue: AlarmRule = {
  name: 'queue',
  summary: 'A queue is filling up',
  unit: 'percent',
  isFloor: false,
  advice:
    'ARCHITECTURE.md says what each queue does when it is full. A ring towards a shard: that ' +
    'shard is the slow one. `handlers`: the pool (`pool.threads`, or one handler that ' +
    'hangs). `shard→store`: the disk.',
  levels: ({ alarms }) => alarms.queue,
  read({ engine, control }) {
    const readings = new Map<string, number>();
    for (const { name, depth, limit } of [...engine.queues, ...control.queues]) {
      // The fullest of the rings towards a shard speaks for them.
      const label = queueLabel(name);
      readings.set(label, Math.max(readings.get(label) ?? 0, percent(depth, limit)));
    }
    return [...readings].map(([subject, value]) => ({ subject, value }));
  },
  say: ({ subject, value }) => `The queue ${subject} is ${value} % full.`,
};

const eventLoopLag: AlarmRule = {
  name: 'eventLoopLag',
  summary: 'The event loop of the control plane is late',
  unit: 'milliseconds',
  isFloor: false,
  advice:
    'Chat is not affected; logins of new devices, IQs and the admin interface are. Look for ' +
    'a large import, or take a profile.',
  levels: ({ alarms }) => alarms.eventLoopLag,
  read: ({ control }) => [{ subject: '', value: control.eventLoopLagMs.p99 }],
  say: ({ value }) => `The control plane’s event loop is ${Math.round(value)} ms late.`,
};

const shardLag: AlarmRule = {
  name: 'shardLag',
  summary: 'A shard’s turns are long',
  unit: 'milliseconds',
  isFloor: false,
  advice:
    'Whatever arrives at this shard waits so long. Compare the shards in `rookery top`: one ' +
    'alone has busy users or shares its core; all of them are out of CPU.',
  levels: ({ alarms }) => alarms.shardLag,
  read: ({ engine }, before) =>
    engine.shards.map((shard) => {
      const earlier = before?.engine.shards.find(({ id }) => id === shard.id);
      return { subject: `shard-${shard.id}`, value: lagOf(shard, earlier) };
    }),
  say: ({ subject, value }) => `The turns of ${subject} take ${Math.round(value)} ms.`,
};

const commitTime: AlarmRule = {
  name: 'commitTime',
  summary: 'Commits take long',
  unit: 'microseconds',
  isFloor: false,
  advice:
    'Senders wait so long for the word that their messages are safe. Look at the disk ' +
    '(`rookery check` measures its fsync), and at who else uses it.',
  levels: ({ alarms }) => alarms.commitTime,
  read: (sample, before) =>
    sample.engine.stores.map(({ id, commit_us: now }) => {
      const earlier = before?.engine.stores.find((store) => store.id === id)?.commit_us;
      const value = quantile(histogramSince(now, earlier), SHARE);
      return { subject: `store-${id}`, value: Math.max(value, stalledUs(id, sample, before)) };
    }),
  say: ({ subject, value }) => `Commits of ${subject} take ${Math.round(value / US_PER_MS)} ms.`,
};

const mailboxAge: AlarmRule = {
  name: 'mailboxAge',
  summary: 'A message has waited for long',
  unit: 'seconds',
  isFloor: false,
  advice:
    'Somebody has not come for their messages; soon the oldest are given up ' +
    '(`limits.mailboxDays`). `rookery backlog` shows whose they are.',
  levels({ alarms, limits }) {
    const whole = limits.mailboxDays * DAY_SECONDS;
    const level = (name: keyof Levels): number =>
      alarms.mailboxAge[name] || Math.floor(whole * MAILBOX_SHARES[name]);
    return { warning: level('warning'), critical: level('critical'), clear: level('clear') };
  },
  read: ({ engine }) =>
    engine.shards.map(({ id, mailboxes }) => ({
      subject: `shard-${id}`,
      value: mailboxes.oldest_seconds,
    })),
  say: ({ subject, value }) =>
    `The oldest message on ${subject} has waited for ${shortSpan(value)}.`,
};

const descriptors: AlarmRule = {
  name: 'descriptors',
  summary: 'A descriptor table is filling up',
  unit: 'percent',
  isFloor: false,
  advice:
    'A full shard accepts nobody, and logins of its users fail; with the main table full, ' +
    'HTTP closes. Raise `ulimit -n`, or run more shards.',
  levels: ({ alarms }) => alarms.descriptors,
  read: ({ os: { descriptors: tables } }) => [
    { subject: 'main', value: percent(tables.main, tables.limit) },
    ...tables.shards.map((count, id) => ({
      subject: `shard-${id}`,
      value: percent(count, tables.limit),
    })),
  ],
  say: ({ subject, value }) => `The descriptor table ${subject} is ${value} % full.`,
};

const memory: AlarmRule = {
  name: 'memory',
  summary: 'Memory runs short',
  unit: 'percent',
  isFloor: false,
  advice:
    'At its limit the process is killed; no accepted message is lost by it. ' +
    '`rookery_memory_bytes` says which subsystem has it.',
  levels: ({ alarms }) => alarms.memory,
  read: ({ os }) => [
    { subject: '', value: percent(os.memory.residentBytes, os.memory.limitBytes) },
  ],
  say: ({ value }) => `The server has ${value} % of the memory that it may take.`,
};

const certificate: AlarmRule = {
  name: 'certificate',
  summary: 'The certificate ends soon',
  unit: 'days',
  isFloor: true,
  advice: 'Put a new one in its place and run `rookery reload`; nobody is disconnected.',
  levels: ({ alarms }) => alarms.certificate,
  read({ at, server }) {
    const days = Math.floor(((server.certificateEnds - at) / DAY_MS) * 10) / 10;
    return [{ subject: 'tls.cert', value: Math.max(0, days) }];
  },
  say: ({ value }) => `The certificate ends in ${value} days.`,
};

const disk: AlarmRule = {
  name: 'disk',
  summary: 'The disk is filling up',
  unit: 'percent',
  isFloor: true,
  advice:
    'When it is full, messages that would have to be stored are refused; none that was ' +
    'accepted is lost. Make room, or move the data folder.',
  levels: ({ alarms }) => alarms.disk,
  read: ({ os }) => [{ subject: 'data', value: percent(os.disk.freeBytes, os.disk.totalBytes) }],
  say: ({ value }) => `${value} % of the data folder’s file system are free.`,
};

/** Every rule. */
export const alarmRules: readonly AlarmRule[] = [
  queue,
  eventLoopLag,
  shardLag,
  commitTime,
  mailboxAge,
  descriptors,
  memory,
  certificate,
  disk,
];
