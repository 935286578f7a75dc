// The engine's figures as samples have them.

import { EMPTY_HISTOGRAM, type HistogramFigures } from '../base/histogram.js';
import type { EngineQueue, EngineSample, Figures, ShardSample, StoreSample } from './sample.js';

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
    id: figure(json, 'id', 'store') || index,
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

/** Reads what `engine.stats()` gave. */
export function engineSample(stats: Json): EngineSample {
  return {
    counters: figures(stats.counters),
    shards: list(stats.shards).map(shard),
    queues: list(stats.queues).map(queue),
    stores: list(stats.stores).map(store),
    memory: figures(stats.memory),
  };
}
