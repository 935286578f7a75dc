// Samples as a test wants them: everything is well, but for what it says.

import type { HistogramFigures } from '../../../src/base/histogram.js';
import type { Figures } from '../../../src/operations/alarms/rules.js';

type Deep<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Deep<T[K]> }
    : T;

const DAY_MS = 86_400_000;
export const NO_TIME: HistogramFigures = { count: 0, sum: 0, buckets: [] };

/** A store whose commits of the second took so long. */
export function storeOf(commitUs: HistogramFigures): Figures['engine']['stores'][number] {
  return {
    id: 0,
    cpu_us: 0,
    commits: 1,
    records: 1,
    bytes: 1,
    failures: 0,
    reads: 0,
    settled: 0,
    cleaned: 0,
    clean_commits: 0,
    clean_us: 0,
    present: 1,
    dead: 0,
    file_bytes: 1,
    map_bytes: 1,
    woken: 1,
    commit_us: commitUs,
    fsync_us: NO_TIME,
    batch: NO_TIME,
  };
}

function shardOf(id: number): Figures['engine']['shards'][number] {
  return {
    id,
    cpu_us: 0,
    woken: 0,
    counters: {},
    phases_us: {
      inbox: 0,
      sockets: 0,
      timers: 0,
      store: 0,
      completions: 0,
      output: 0,
      publish: 0,
      farewell: 0,
    },
    histograms: {
      loop_us: NO_TIME,
      lag_us: NO_TIME,
      batch: NO_TIME,
      inbox: NO_TIME,
      handover_us: NO_TIME,
      delivered_us: NO_TIME,
      safe_us: NO_TIME,
    },
    mailboxes: {
      messages: 0,
      bytes: 0,
      cached: 0,
      cached_bytes: 0,
      written: 0,
      drained: 0,
      never_on_disk: 0,
      never_on_disk_permyriad: 0,
      oldest_seconds: 0,
    },
  };
}

function healthy(at: number): Figures {
  return {
    at,
    server: {
      version: '1.2.3',
      pid: 1,
      domain: 'example.org',
      uptimeSeconds: 100,
      accounts: 2,
      usersOnline: 1,
      handlersVersion: 1,
      certificateEnds: at + 100 * DAY_MS,
    },
    os: {
      cpu: {
        cores: 2,
        machine: {
          userSeconds: 10,
          systemSeconds: 5,
          idleSeconds: 100,
          ioWaitSeconds: 1,
          stolenSeconds: 0,
        },
        process: { userSeconds: 3, systemSeconds: 1 },
        load: [0.5, 0.4, 0.3],
      },
      memory: {
        totalBytes: 8e9,
        availableBytes: 6e9,
        residentBytes: 2e8,
        limitBytes: 1e9,
      },
      descriptors: { limit: 1000, main: 50, shards: [10, 10] },
      sockets: { inUse: 20, orphaned: 0, timeWait: 3, memoryBytes: 4096 },
      tcp: {
        segmentsIn: 1000,
        segmentsOut: 1000,
        retransmitted: 1,
        listenOverflows: 0,
        listenDrops: 0,
      },
      disk: { totalBytes: 1e11, freeBytes: 5e10, readBytes: 0, writtenBytes: 1e6 },
    },
    engine: {
      counters: {},
      shards: [0, 1].map(shardOf),
      queues: [],
      stores: [storeOf(NO_TIME)],
      threads: { passwords_cpu_us: 0 },
      memory: {
        connections: 1,
        sessions: 1,
        users: 1,
        mailboxes: 1,
        transports: 1,
        buffers: 1,
        journal: 1,
        queues: 1,
        mapped_files_resident: 1,
      },
      contention: {
        full: [],
        wake_ups: { asked: 5, rung: 4 },
        locks: [{ name: 'submit', taken: 9, waited: 1, wait_us: 30 }],
        commit_waits: { senders_slowed: 0, batches: 1, wait_us: 100, refused: 0 },
        congested_turns: 0,
      },
    },
    control: {
      eventLoopLagMs: { mean: 0.1, p99: 1, max: 2 },
      eventLoopBusy: 0.01,
      heap: { usedBytes: 1e7, totalBytes: 2e7, externalBytes: 1e6 },
      handlers: [],
      queues: [{ name: 'handlers', depth: 0, limit: 100, refused: 0 }],
    },
  };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(base: unknown, over: unknown): unknown {
  if (!isPlain(base) || !isPlain(over)) return over;
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) result[key] = merge(base[key], value);
  return result;
}

/** A sample of that time. */
export function sampleAt(at: number, over: Deep<Figures> = {}): Figures {
  return merge(healthy(at), over) as Figures;
}
