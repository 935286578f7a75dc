// The engine's figures as samples have them.

import { EMPTY_HISTOGRAM, type HistogramFigures } from '../base/histogram.js';
import type {
  EngineQueue,
  EngineSample,
  Figures,
  LockSample,
  ShardSample,
  StoreSample,
} from './sample.js';

type Json = Readonly<Record<string, unknown>>;

function figures(value: unknown): Figures {
  return typeof value === 'object' && value !== null ? (value as Figures) : {};
}

function figure(from: Json, ...names: readonly string[]): number {
  for (const name of names) if (typeof from[name] === 'number') return from[name];
  return 0;
}

function histogram(value: unknown): HistogramFigures {
  return typeof value === 'object' && value !== null
    ? (value as HistogramFigures)
    : EMPTY_HISTOGRAM;
}

function shard(json: Json, index: number): ShardSample {
  return {
    id: figure(json, 'id') || index,
    counters: figures(json.counters ?? json),
    phases_us: figures(json.phases_us),
    cpu_us: figure(json, 'cpu_us'),
    woken: figure(json, 'woken'),
    histograms: figures(json.histograms) as unknown as ShardSample['histograms'],
    mailboxes: figures(json.mailboxes),
  };
}

function queue(json: Json): EngineQueue {
  return {
    name: String(json.name),
    unit: String(json.unit ?? ''),
    depth: figure(json, 'depth'),
    limit: figure(json, 'limit', 'capacity'),
    high_water: figure(json, 'high_water'),
    pushed: figure(json, 'pushed'),
    popped: figure(json, 'popped'),
    refused: figure(json, 'refused'),
    wait_us: histogram(json.wait_us),
  };
}

function store(json: Json, index: number): StoreSample {
  return {
    ...json,
    id: figure(json, 'id', 'store') || index,
    cpu_us: figure(json, 'cpu_us'),
    commits: figure(json, 'commits'),
    records: figure(json, 'records'),
    bytes: figure(json, 'bytes'),
    failures: figure(json, 'failures', 'failed_groups'),
    file_bytes: figure(json, 'file_bytes'),
    commit_us: histogram(json.commit_us),
    fsync_us: histogram(json.fsync_us),
    batch: histogram(json.batch),
  };
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** Flattens what stands in groups: `wake_ups: { asked }` → `wake_ups_asked`. */
function contention(json: Json): Figures {
  const { wake_ups: wakes, commit_waits: waits } = json;
  const flat: Record<string, number> = { congested_turns: figure(json, 'congested_turns') };
  for (const [name, value] of Object.entries(figures(wakes))) flat[`wake_ups_${name}`] = value;
  for (const [name, value] of Object.entries(figures(waits))) flat[`commit_${name}`] = value;
  return flat;
}

function lock(json: Json): LockSample {
  return {
    name: String(json.name),
    taken: figure(json, 'taken'),
    waited: figure(json, 'waited'),
    wait_us: figure(json, 'wait_us'),
  };
}

/** Reads what `engine.stats()` gave. */
export function engineSample(stats: Json): EngineSample {
  const between = figures(stats.contention) as Json;
  return {
    counters: figures(stats.counters),
    shards: list(stats.shards).map(shard),
    queues: list(stats.queues).map(queue),
    stores: list(stats.stores).map(store),
    memory: figures(stats.memory),
    contention: contention(between),
    locks: list(between.locks).map(lock),
  };
}
