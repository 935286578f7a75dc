// What is known of the server in one second: plain JSON, taken once a second by the sampler and
// read by metrics, alarms, `rookery top` and the dashboard. Whatever counts only grows: a rate is
// the difference between two samples. Names of fields that have a unit end with it.

import type { HistogramFigures } from '../base/histogram.js';
import type { NativeStats } from '../engine/engine-stats.js';
import type { AlarmState } from './alarms/alarm.js';
import type { QueueStatus } from './queue-status.js';

export interface CpuSample {
  readonly cores: number;
  /** Seconds of the whole machine since it started, all cores together. */
  readonly machine: {
    readonly userSeconds: number;
    readonly systemSeconds: number;
    readonly idleSeconds: number;
    readonly ioWaitSeconds: number;
    readonly stolenSeconds: number;
  };
  /** Seconds of this process since it started. */
  readonly process: { readonly userSeconds: number; readonly systemSeconds: number };
  /** Load averages over 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number];
}

export interface OsSample {
  readonly cpu: CpuSample;
  readonly memory: {
    readonly totalBytes: number;
    readonly availableBytes: number;
    readonly residentBytes: number;
    /** What the server may take: of the machine, or of the control group that it runs in. */
    readonly limitBytes: number;
  };
  readonly descriptors: {
    /** Of each table: the main threads have one, and so has every shard. */
    readonly limit: number;
    readonly main: number;
    readonly shards: readonly number[];
  };
  /** TCP sockets of the machine. */
  readonly sockets: {
    readonly inUse: number;
    readonly orphaned: number;
    readonly timeWait: number;
    readonly memoryBytes: number;
  };
  /** TCP of the machine since it started. */
  readonly tcp: {
    readonly segmentsIn: number;
    readonly segmentsOut: number;
    readonly retransmitted: number;
    readonly listenOverflows: number;
    readonly listenDrops: number;
  };
  /** The file system of the data folder, and what this process read and wrote. */
  readonly disk: {
    readonly totalBytes: number;
    readonly freeBytes: number;
    readonly readBytes: number;
    readonly writtenBytes: number;
  };
}

export interface ControlSample {
  /** How late the event loop of the main thread was in the last second. */
  readonly eventLoopLagMs: { readonly mean: number; readonly p99: number; readonly max: number };
  /** Share of the last second in which the main thread was busy. */
  readonly eventLoopBusy: number;
  readonly heap: {
    readonly usedBytes: number;
    readonly totalBytes: number;
    readonly externalBytes: number;
  };
  /** How long handlers took, by the namespace that was asked; since the start. */
  readonly handlers: readonly { readonly namespace: string; readonly us: HistogramFigures }[];
  readonly queues: readonly QueueStatus[];
}

export interface ServerSample {
  readonly version: string;
  readonly pid: number;
  readonly domain: string;
  readonly uptimeSeconds: number;
  readonly accounts: number;
  readonly usersOnline: number;
  readonly handlersVersion: number;
  /** When the certificate ends, in milliseconds since 1970; 0 when it cannot be read. */
  readonly certificateEnds: number;
}

/** One second. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly server: ServerSample;
  readonly os: OsSample;
  /** What the engine says of itself, as it says it. */
  readonly engine: NativeStats;
  readonly control: ControlSample;
  /** The alarms that are raised. */
  readonly alarms: readonly AlarmState[];
}
