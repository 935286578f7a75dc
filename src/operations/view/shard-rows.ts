// The shards of a server side by side, and which of them is the slow one.

import { type HistogramFigures, histogramSince, quantile } from '../../base/histogram.js';
import type { ShardFigures } from '../../engine/engine-stats.js';
import { type Interval, percentile, rate } from './interval.js';
import type { Level } from './level.js';
import type { QueueRow } from './queue-rows.js';

export interface ShardRow {
  readonly id: number;
  /** Percent of one core. */
  readonly cpuPercent: number;
  /** Turns of the loop: the longest of a hundred. */
  readonly turnP99Us: number;
  readonly connections: number;
  readonly sessions: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly handoverP50Us: number;
  readonly handoverP99Us: number;
  /** How long what others had for it waited: a shard that cannot begin a turn is seen by this. */
  readonly waitP99Us: number;
  readonly level: Level;
  /** Why it is not well. */
  readonly why: string;
}

/** A shard's figures before they are judged. */
export interface ShardMeasure extends Omit<ShardRow, 'level' | 'why' | 'waitP99Us'> {
  /** Of the interval. */
  readonly handover: HistogramFigures;
}

const BUSY_CPU = 85;
const BAD_CPU = 97;
/** Turns shorter than this are nobody's trouble, however much longer than the others'. */
const LONG_TURN_US = 5000;
const TIMES_THE_OTHERS = 4;
const BAD_TURN_US = 50_000;
const BAD_WAIT_US = 50_000;
/** The queues from which a shard takes what others have for it. */
const TOWARDS = /^(?:shard-\d+-to-)?shard-(\d+)-(?:requests|replies|commands)$/u;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

function measureOf(
  now: ShardFigures,
  before: ShardFigures | undefined,
  seconds: number,
): ShardMeasure {
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
    handover,
  };
}

export function measureShards({ now, before, seconds }: Interval): ShardMeasure[] {
  return now.engine.shards.map((shard, index) =>
    measureOf(shard, before?.engine.shards[index], seconds),
  );
}

/** What a shard is judged by. */
export type Judged = Pick<ShardRow, 'turnP99Us' | 'cpuPercent'> &
  Partial<Pick<ShardRow, 'waitP99Us'>>;

/** How a shard is, by itself and beside the others. */
export function shardVerdict(
  { turnP99Us, cpuPercent, waitP99Us = 0 }: Judged,
  others: readonly Pick<Judged, 'turnP99Us'>[],
): Pick<ShardRow, 'level' | 'why'> {
  const usual = median(others.map((other) => other.turnP99Us));
  const slower = others.length > 0 && turnP99Us >= Math.max(LONG_TURN_US, usual * TIMES_THE_OTHERS);
  if (turnP99Us >= BAD_TURN_US) return { level: 'bad', why: 'turns take long' };
  if (waitP99Us >= BAD_WAIT_US) return { level: 'bad', why: 'lets the others wait' };
  if (slower) return { level: 'bad', why: 'slower than the others' };
  if (cpuPercent >= BAD_CPU) return { level: 'bad', why: 'out of CPU' };
  if (cpuPercent >= BUSY_CPU) return { level: 'busy', why: 'nearly out of CPU' };
  return { level: 'well', why: '' };
}

/** The longest wait in the queues towards each shard. */
function waitsOf(queues: readonly QueueRow[]): ReadonlyMap<number, number> {
  const waits = new Map<number, number>();
  for (const { name, waitP99Us } of queues) {
    const id = TOWARDS.exec(name)?.[1];
    if (id === undefined) continue;
    waits.set(Number(id), Math.max(waitP99Us, waits.get(Number(id)) ?? 0));
  }
  return waits;
}

/** A shard is judged by itself and beside the others: the slow one among many is the news. */
export function judgeShards(
  measures: readonly ShardMeasure[],
  queues: readonly QueueRow[],
): ShardRow[] {
  const waits = waitsOf(queues);
  return measures.map((measure) => {
    const { handover: _, ...figures } = measure;
    const shown = { ...figures, waitP99Us: waits.get(measure.id) ?? 0 };
    const others = measures.filter((other) => other !== measure);
    return { ...shown, ...shardVerdict(shown, others) };
  });
}
