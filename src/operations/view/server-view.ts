// What people see of a server: of two samples the rates between them, percentiles of what happened
// between them, and how bad each figure is. `rookery top` and the dashboard show the same view, so
// that they judge a server alike. Pure, and of no system: recordings, tests and browsers go through
// the same code.

import type { AlarmState } from '../alarms/alarm.js';
import type { Sample } from '../sample.js';
import { counterRate, type Interval, intervalOf, percentile, rate } from './interval.js';
import { type QueueRow, queueRows } from './queue-rows.js';
import { judgeShards, type ShardRow } from './shard-rows.js';
import type { StoreRow } from './store-rows.js';
import { type CpuShares, type Measured, measure, pointOf, type ViewPoint } from './view-point.js';

export interface HandlerRow {
  readonly namespace: string;
  /** Each second. */
  readonly calls: number;
  readonly p99Us: number;
}

export interface ServerView {
  readonly at: number;
  readonly server: Sample['server'];
  readonly alarms: readonly AlarmState[];
  readonly cpu: CpuShares & { readonly cores: number; readonly load: readonly number[] };
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
  /** The same second as time series have it. */
  readonly point: ViewPoint;
}

function handlerRows({ now, before, seconds }: Interval): HandlerRow[] {
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

function systemOf({
  now,
  before,
  seconds,
}: Interval): Pick<ServerView, 'memory' | 'disk' | 'descriptors' | 'sockets' | 'retransmitted'> {
  const { memory, disk, descriptors, sockets, tcp } = now.os;
  return {
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
  };
}

function ratesOf(interval: Interval): ServerView['rates'] {
  return {
    messagesIn: counterRate(interval, 'messages_in'),
    messagesOut: counterRate(interval, 'messages_delivered'),
    logins: counterRate(interval, 'logins'),
    loginFailures: counterRate(interval, 'login_failures'),
    bytesIn: counterRate(interval, 'bytes_in'),
    bytesOut: counterRate(interval, 'bytes_out'),
    streamErrors: counterRate(interval, 'stream_errors'),
  };
}

/** The whole view of what has been measured. */
export function viewOf(measured: Measured): ServerView {
  const { interval, cpu, shards, stores, handoverP50Us, handoverP99Us } = measured;
  const { now } = interval;
  const { counters } = now.engine;
  const queues = queueRows(interval);
  return {
    at: now.at,
    server: now.server,
    alarms: now.alarms,
    cpu: { ...cpu, cores: now.os.cpu.cores, load: now.os.cpu.load },
    ...systemOf(interval),
    rates: ratesOf(interval),
    connections: counters.connections ?? 0,
    sessions: counters.sessions ?? 0,
    handoverP50Us,
    handoverP99Us,
    mailboxes: {
      messages: counters.mailbox_now ?? 0,
      bytes: counters.mailbox_bytes ?? 0,
      oldest: Math.max(0, ...now.engine.shards.map((shard) => shard.mailboxes.oldest_seconds)),
    },
    shards: judgeShards(shards, queues),
    queues,
    stores,
    control: {
      lagP99Ms: now.control.eventLoopLagMs.p99,
      busyPercent: 100 * now.control.eventLoopBusy,
      heap: now.control.heap.usedBytes,
      handlers: handlerRows(interval),
    },
    point: pointOf(measured),
  };
}

/** What to show of a sample, and the one before it; without one, since the server's start. */
export function serverView(now: Sample, earlier: Sample | undefined): ServerView {
  return viewOf(measure(intervalOf(now, earlier)));
}
