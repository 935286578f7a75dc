// One second of a server in a few numbers: what time series are made of. It is taken every second,
// whether or not somebody watches, so that who begins to watch sees the last minutes at once.

import { quantile } from '../../base/histogram.js';
import { counterRate, type Interval, merged, rate } from './interval.js';
import { measureShards, type ShardMeasure } from './shard-rows.js';
import { type StoreRow, storeRows } from './store-rows.js';

export interface ShardPoint {
  /** Percent of one core. */
  readonly cpu: number;
  readonly turnP99Us: number;
  /** Each second. */
  readonly messagesOut: number;
  readonly handoverP99Us: number;
}

/** What has no other unit is each second. */
export interface ViewPoint {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The server's: percent of one core. */
  readonly cpu: number;
  /** Everybody's: percent of all cores. */
  readonly machineCpu: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly logins: number;
  /** How many there are. */
  readonly connections: number;
  /** How many there are. */
  readonly sessions: number;
  readonly handoverP50Us: number;
  readonly handoverP99Us: number;
  readonly commitP99Us: number;
  readonly fsyncP99Us: number;
  /** Resident bytes. */
  readonly memory: number;
  /** How many wait. */
  readonly mailboxMessages: number;
  readonly mailboxBytes: number;
  readonly lagP99Ms: number;
  readonly retransmitted: number;
  /** How many are raised. */
  readonly alarms: number;
  readonly shards: readonly ShardPoint[];
}

/** Percent of all cores, but for `process`: percent of one core. */
export interface CpuShares {
  readonly user: number;
  readonly system: number;
  readonly idle: number;
  readonly ioWait: number;
  readonly stolen: number;
  readonly process: number;
}

/** What an interval's point and its whole view have in common, so that it is worked out once. */
export interface Measured {
  readonly interval: Interval;
  readonly cpu: CpuShares;
  readonly shards: readonly ShardMeasure[];
  readonly stores: readonly StoreRow[];
  readonly handoverP50Us: number;
  readonly handoverP99Us: number;
}

function cpuOf({ now, before, seconds }: Interval): CpuShares {
  const { machine, process } = now.os.cpu;
  const old = before?.os.cpu.machine;
  const spent = {
    user: machine.userSeconds - (old?.userSeconds ?? 0),
    system: machine.systemSeconds - (old?.systemSeconds ?? 0),
    idle: machine.idleSeconds - (old?.idleSeconds ?? 0),
    ioWait: machine.ioWaitSeconds - (old?.ioWaitSeconds ?? 0),
    stolen: machine.stolenSeconds - (old?.stolenSeconds ?? 0),
  };
  const all = Object.values(spent).reduce((sum, each) => sum + each, 0);
  const share = (part: number): number => (100 * part) / Math.max(1e-9, all);
  const ours = ({ userSeconds, systemSeconds }: typeof process): number =>
    userSeconds + systemSeconds;
  return {
    user: share(spent.user),
    system: share(spent.system),
    idle: share(spent.idle),
    ioWait: share(spent.ioWait),
    stolen: share(spent.stolen),
    process: 100 * rate(ours(process), before && ours(before.os.cpu.process), seconds),
  };
}

export function measure(interval: Interval): Measured {
  const shards = measureShards(interval);
  const handover = merged(shards.map((shard) => shard.handover));
  return {
    interval,
    cpu: cpuOf(interval),
    shards,
    stores: storeRows(interval),
    handoverP50Us: quantile(handover, 0.5),
    handoverP99Us: quantile(handover, 0.99),
  };
}

// Ten minutes of them are sent at once: digits that nobody can see on a chart are left out.
const tenths = (value: number): number => Math.round(value * 10) / 10;

export function pointOf({ interval, cpu, shards, stores, ...handover }: Measured): ViewPoint {
  const { now, before, seconds } = interval;
  const { counters } = now.engine;
  const counted = (name: string): number => tenths(counterRate(interval, name));
  const { retransmitted } = now.os.tcp;
  return {
    at: now.at,
    cpu: tenths(cpu.process),
    machineCpu: tenths(100 - cpu.idle),
    messagesIn: counted('messages_in'),
    messagesOut: counted('messages_delivered'),
    bytesIn: Math.round(counted('bytes_in')),
    bytesOut: Math.round(counted('bytes_out')),
    logins: counted('logins'),
    connections: counters.connections ?? 0,
    sessions: counters.sessions ?? 0,
    handoverP50Us: handover.handoverP50Us,
    handoverP99Us: handover.handoverP99Us,
    commitP99Us: Math.max(0, ...stores.map(({ commitP99Us }) => commitP99Us)),
    fsyncP99Us: Math.max(0, ...stores.map(({ fsyncP99Us }) => fsyncP99Us)),
    memory: now.os.memory.residentBytes,
    mailboxMessages: counters.mailbox_now ?? 0,
    mailboxBytes: counters.mailbox_bytes ?? 0,
    lagP99Ms: tenths(now.control.eventLoopLagMs.p99),
    retransmitted: tenths(rate(retransmitted, before?.os.tcp.retransmitted, seconds)),
    alarms: now.alarms.length,
    shards: shards.map(({ cpuPercent, turnP99Us, messagesOut, handoverP99Us }) => ({
      cpu: tenths(cpuPercent),
      turnP99Us,
      messagesOut: tenths(messagesOut),
      handoverP99Us,
    })),
  };
}
