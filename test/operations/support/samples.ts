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
    file_bytes: 1,
    commit_us: commitUs,
    fsync_us: NO_TIME,
    batch: NO_TIME,
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
      shards: [0, 1].map((id) => ({
        id,
        counters: {},
        phases_us: {},
        cpu_us: 0,
        woken: 0,
        histograms: { loop_us: NO_TIME },
        mailboxes: { oldest_seconds: 0 },
      })),
      queues: [],
      stores: [storeOf(NO_TIME)],
      memory: {},
      contention: {},
      locks: [],
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
