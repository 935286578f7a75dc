// What `rookery top` shows of two samples: rates between them, percentiles of what happened between
// them, and how bad each figure is. Pure: recordings and tests go through the same code.

import { type HistogramFigures, histogramSince, quantile } from '../../base/histogram.js';
import type { ShardFigures } from '../../engine/engine-stats.js';
import type { AlarmState } from '../../operations/alarms/alarm.js';
import type { Sample } from '../../operations/sample.js';

/** How a figure is: `bad` must jump to the eye. */
export type Level = 'well' | 'busy' | 'bad';

export interface ShardRow {
  readonly id: number;
  readonly cpuPercent: number;
  /** Turns of the loop: the longest of a hundred. */
  readonly turnP99Us: number;
  readonly connections: number;
  readonly sessions: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly handoverP50Us: number;
  readonly handoverP99Us: number;
  readonly level: Level;
  /** Why it is not well. */
  readonly why: string;
}

export interface QueueRow {
  readonly name: string;
  readonly depth: number;
  readonly limit: number;
  readonly highWater: number;
  readonly refused: number;
  readonly waitP99Us: number;
  readonly level: Level;
}

export interface StoreRow {
  readonly id: number;
  readonly commits: number;
  readonly records: number;
  readonly commitP99Us: number;
  readonly fsyncP99Us: number;
  readonly level: Level;
}

export interface HandlerRow {
  readonly namespace: string;
  readonly calls: number;
  readonly p99Us: number;
}

export interface TopView {
  readonly at: number;
  readonly server: Sample['server'];
  readonly alarms: readonly AlarmState[];
  /** Percent of all cores. */
  readonly cpu: {
    readonly user: number;
    readonly system: number;
    readonly idle: number;
    readonly ioWait: number;
    readonly stolen: number;
    /** Percent of one core. */
    readonly process: number;
    readonly cores: number;
    readonly load: readonly number[];
  };
  readonly memory: { readonly resident: number; readonly limit: number; readonly free: number };
  readonly disk: { readonly free: number; readonly written: number };
  readonly descriptors: { readonly most: number; readonly limit: number };
  readonly sockets: number;
  readonly retransmitted: number;
  /** Each second. */
  readonly rates: {
    readonly messagesIn: number;
    readonly messagesOut: number;
    readonly logins: number;
    readonly loginFailures: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
    readonly streamErrors: number;
  };
  readonly connections: number;
  readonly sessions: number;
  readonly handoverP50Us: number;
  readonly handoverP99Us: number;
  readonly mailboxes: {
    readonly messages: number;
    readonly bytes: number;
    readonly oldest: number;
  };
  readonly shards: readonly ShardRow[];
  readonly queues: readonly QueueRow[];
  readonly stores: readonly StoreRow[];
  readonly control: {
    readonly lagP99Ms: number;
    readonly busyPercent: number;
    readonly heap: number;
    readonly handlers: readonly HandlerRow[];
  };
}

const BUSY_CPU = 85;
const BAD_CPU = 97;
/** Turns shorter than this are nobody's trouble, however much longer than the others'. */
const LONG_TURN_US = 5000;
const TIMES_THE_OTHERS = 4;
const BAD_TURN_US = 50_000;
const SLOW_COMMIT_US = 50_000;
const BAD_COMMIT_US = 250_000;

/** Growth each second; a server that was started anew counts from zero. */
function rate(now: number, before: number | undefined, seconds: number): number {
  const grown = before === undefined || now < before ? now : now - before;
  return grown / seconds;
}

function percentile(
  now: HistogramFigures,
  before: HistogramFigures | undefined,
  share: number,
): number {
  return quantile(histogramSince(now, before), share);
}

function merged(histograms: readonly HistogramFigures[]): HistogramFigures {
  const buckets = new Map<number, number>();
  for (const histogram of histograms) {
    for (const [bound, count] of histogram.buckets) {
      buckets.set(bound, (buckets.get(bound) ?? 0) + count);
    }
  }
  return {
    count: histograms.reduce((sum, { count }) => sum + count, 0),
    sum: histograms.reduce((sum, each) => sum + each.sum, 0),
    buckets: [...buckets].sort(([one], [other]) => one - other),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

type Unjudged = Omit<ShardRow, 'level' | 'why'>;

function shardOf(now: ShardFigures, before: ShardFigures | undefined, seconds: number): Unjudged {
  const counted = (name: string): number =>
    rate(now.counters[name] ?? 0, before?.counters[name], seconds);
  const handover = histogramSince(now.histograms.handover_us, before?.histograms.handover_us);
  return {
    id: now.id,
    cpuPercent: rate(now.cpu_us, before?.cpu_us, seconds) / 1e4,
    turnP99Us: percentile(now.histograms.loop_us, before?.histograms.loop_us, 0.99),
    connections: now.counters.connections ?? 0,
    sessions: now.counters.sessions ?? 0,
    messagesIn: counted('messages_in'),
    messagesOut: counted('messages_delivered'),
    handoverP50Us: quantile(handover, 0.5),
    handoverP99Us: quantile(handover, 0.99),
  };
}

/** A shard is judged by itself and beside the others: the slow one among many is the news. */
function judged(row: Unjudged, all: readonly Unjudged[]): ShardRow {
  const others = all.filter(({ id }) => id !== row.id);
  const usual = median(others.map(({ turnP99Us }) => turnP99Us));
  const slower =
    others.length > 0 && row.turnP99Us >= Math.max(LONG_TURN_US, usual * TIMES_THE_OTHERS);
  if (row.turnP99Us >= BAD_TURN_US) return { ...row, level: 'bad', why: 'turns take long' };
  if (slower) return { ...row, level: 'bad', why: 'slower than the others' };
  if (row.cpuPercent >= BAD_CPU) return { ...row, level: 'bad', why: 'out of CPU' };
  if (row.cpuPercent >= BUSY_CPU) return { ...row, level: 'busy', why: 'nearly out of CPU' };
  return { ...row, level: 'well', why: '' };
}

function queueLevel(fill: number, refused: number): Level {
  if (refused > 0 || fill >= 0.9) return 'bad';
  return fill >= 0.5 ? 'busy' : 'well';
}

function queuesOf(now: Sample, before: Sample | undefined, seconds: number): QueueRow[] {
  const old = new Map(before?.engine.queues.map((queue) => [queue.name, queue]));
  const oldControl = new Map(before?.control.queues.map((queue) => [queue.name, queue]));
  const engine = now.engine.queues.map((queue): QueueRow => {
    const refused = rate(queue.refused, old.get(queue.name)?.refused, seconds);
    return {
      name: queue.name,
      depth: queue.depth,
      limit: queue.limit,
      highWater: queue.high_water,
      refused,
      waitP99Us: percentile(queue.wait_us, old.get(queue.name)?.wait_us, 0.99),
      level: queueLevel(queue.depth / Math.max(1, queue.limit), refused),
    };
  });
  const control = now.control.queues.map(({ name, depth, limit, refused: total }): QueueRow => {
    const refused = rate(total, oldControl.get(name)?.refused, seconds);
    const level = queueLevel(depth / Math.max(1, limit), refused);
    return { name, depth, limit, highWater: 0, refused, waitP99Us: 0, level };
  });
  const weight = { bad: 2, busy: 1, well: 0 };
  const fill = ({ depth, limit }: QueueRow): number => depth / Math.max(1, limit);
  return [...engine, ...control].sort(
    (one, other) =>
      weight[other.level] - weight[one.level] ||
      fill(other) - fill(one) ||
      other.waitP99Us - one.waitP99Us,
  );
}

function storesOf(now: Sample, before: Sample | undefined, seconds: number): StoreRow[] {
  return now.engine.stores.map((store, index) => {
    const old = before?.engine.stores[index];
    const commitP99Us = percentile(store.commit_us, old?.commit_us, 0.99);
    const level =
      commitP99Us >= BAD_COMMIT_US ? 'bad' : commitP99Us >= SLOW_COMMIT_US ? 'busy' : 'well';
    return {
      id: store.id,
      commits: rate(store.commits, old?.commits, seconds),
      records: rate(store.records, old?.records, seconds),
      commitP99Us,
      fsyncP99Us: percentile(store.fsync_us, old?.fsync_us, 0.99),
      level,
    };
  });
}

function handlersOf(now: Sample, before: Sample | undefined, seconds: number): HandlerRow[] {
  const old = new Map(before?.control.handlers.map(({ namespace, us }) => [namespace, us]));
  return now.control.handlers
    .map(({ namespace, us }) => ({
      namespace,
      calls: rate(us.count, old.get(namespace)?.count, seconds),
      p99Us: percentile(us, old.get(namespace), 0.99),
    }))
    .filter(({ calls }) => calls > 0)
    .sort((one, other) => other.calls - one.calls);
}

function cpuOf(now: Sample, before: Sample | undefined, seconds: number): TopView['cpu'] {
  const machine = now.os.cpu.machine;
  const old = before?.os.cpu.machine;
  const spent = {
    user: machine.userSeconds - (old?.userSeconds ?? 0),
    system: machine.systemSeconds - (old?.systemSeconds ?? 0),
    idle: machine.idleSeconds - (old?.idleSeconds ?? 0),
    ioWait: machine.ioWaitSeconds - (old?.ioWaitSeconds ?? 0),
    stolen: machine.stolenSeconds - (old?.stolenSeconds ?? 0),
  };
  const all = Math.max(
    1e-9,
    Object.values(spent).reduce((sum, each) => sum + each, 0),
  );
  const ours = ({ userSeconds, systemSeconds }: Sample['os']['cpu']['process']): number =>
    userSeconds + systemSeconds;
  return {
    user: (100 * spent.user) / all,
    system: (100 * spent.system) / all,
    idle: (100 * spent.idle) / all,
    ioWait: (100 * spent.ioWait) / all,
    stolen: (100 * spent.stolen) / all,
    process: 100 * rate(ours(now.os.cpu.process), before && ours(before.os.cpu.process), seconds),
    cores: now.os.cpu.cores,
    load: now.os.cpu.load,
  };
}

/** What to show of a sample, and the one before it; without one, since the server's start. */
export function topView(now: Sample, earlier: Sample | undefined): TopView {
  // Another process: nothing of the earlier sample is comparable.
  const before = earlier?.server.pid === now.server.pid ? earlier : undefined;
  const seconds =
    before === undefined
      ? Math.max(1, now.server.uptimeSeconds)
      : Math.max(0.001, (now.at - before.at) / 1000);
  const counters = now.engine.counters;
  const counted = (name: string): number =>
    rate(counters[name] ?? 0, before?.engine.counters[name], seconds);
  const rows = now.engine.shards.map((shard, index) =>
    shardOf(shard, before?.engine.shards[index], seconds),
  );
  const handover = merged(
    now.engine.shards.map((shard, index) =>
      histogramSince(
        shard.histograms.handover_us,
        before?.engine.shards[index]?.histograms.handover_us,
      ),
    ),
  );
  const { memory, disk, descriptors, sockets, tcp } = now.os;
  return {
    at: now.at,
    server: now.server,
    alarms: now.alarms,
    cpu: cpuOf(now, before, seconds),
    memory: {
      resident: memory.residentBytes,
      limit: memory.limitBytes,
      free: memory.availableBytes,
    },
    disk: {
      free: disk.freeBytes,
      written: rate(disk.writtenBytes, before?.os.disk.writtenBytes, seconds),
    },
    descriptors: {
      most: Math.max(descriptors.main, ...descriptors.shards),
      limit: descriptors.limit,
    },
    sockets: sockets.inUse,
    retransmitted: rate(tcp.retransmitted, before?.os.tcp.retransmitted, seconds),
    rates: {
      messagesIn: counted('messages_in'),
      messagesOut: counted('messages_delivered'),
      logins: counted('logins'),
      loginFailures: counted('login_failures'),
      bytesIn: counted('bytes_in'),
      bytesOut: counted('bytes_out'),
      streamErrors: counted('stream_errors'),
    },
    connections: counters.connections ?? 0,
    sessions: counters.sessions ?? 0,
    handoverP50Us: quantile(handover, 0.5),
    handoverP99Us: quantile(handover, 0.99),
    mailboxes: {
      messages: counters.mailbox_now ?? 0,
      bytes: counters.mailbox_bytes ?? 0,
      oldest: Math.max(0, ...now.engine.shards.map((shard) => shard.mailboxes.oldest_seconds)),
    },
    shards: rows.map((row) => judged(row, rows)),
    queues: queuesOf(now, before, seconds),
    stores: storesOf(now, before, seconds),
    control: {
      lagP99Ms: now.control.eventLoopLagMs.p99,
      busyPercent: 100 * now.control.eventLoopBusy,
      heap: now.control.heap.usedBytes,
      handlers: handlersOf(now, before, seconds),
    },
  };
}
