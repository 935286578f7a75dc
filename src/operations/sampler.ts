// Takes one sample a second: the only place that asks the engine and the system for figures again
// and again. Metrics, alarms, `rookery top` and the dashboard all read what it has taken, so that
// looking at a server costs the same whoever looks.

import { EventEmitter } from 'node:events';
import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { errorText } from '../base/errors.js';
import type { HistogramFigures } from '../base/histogram.js';
import type { Logger } from '../base/log.js';
import type { EngineStats } from '../engine/engine-stats.js';
import type { AlarmState } from './alarms/alarm.js';
import { osSample } from './os-sample.js';
import type { QueueStatus } from './queue-status.js';
import type { ControlSample, Sample, ServerSample } from './sample.js';

export const INTERVAL_MS = 1000;
/** How often the event loop's lateness is looked at. */
const RESOLUTION_MS = 20;
const NANOSECONDS = 1e6;

/** Where the sampler gets its figures. */
export interface SamplerParts {
  /** On its file system are the server's data. */
  readonly folder: string;
  readonly memoryBytes: number;
  readonly log: Logger;
  server(): ServerSample;
  engine(): EngineStats;
  queues(): readonly QueueStatus[];
  handlers(): readonly { readonly namespace: string; readonly us: HistogramFigures }[];
}

interface SamplerEvents {
  sample: [sample: Sample, before: Sample | undefined];
}

/** Says of each sample which alarms are raised. */
export type Watch = (sample: Omit<Sample, 'alarms'>, before: Sample | undefined) => AlarmState[];

/** The sampler. */
export class Sampler extends EventEmitter<SamplerEvents> {
  /** The newest sample; there is one once it has been started. */
  latest: Sample | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private utilization = performance.eventLoopUtilization();
  private json = '';

  constructor(
    private readonly parts: SamplerParts,
    private readonly watch: Watch,
  ) {
    super();
    this.setMaxListeners(0);
  }

  start(): void {
    this.delay.enable();
    this.take();
    this.timer = setInterval(() => this.take(), INTERVAL_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.delay.disable();
  }

  /** The newest sample as JSON, written once for all who send it on. */
  latestJson(): string {
    if (this.json === '' && this.latest !== undefined) this.json = JSON.stringify(this.latest);
    return this.json;
  }

  private take(): void {
    try {
      const before = this.latest;
      const figures = this.look();
      this.latest = { ...figures, alarms: this.watch(figures, before) };
      this.json = '';
      this.emit('sample', this.latest, before);
    } catch (error) {
      this.parts.log.error({ component: 'sampler' }, errorText(error));
    }
  }

  private look(): Omit<Sample, 'alarms'> {
    const { parts } = this;
    const { commandQueue: _, ...engine } = parts.engine();
    return {
      at: Date.now(),
      server: parts.server(),
      os: osSample({
        folder: parts.folder,
        memoryBytes: parts.memoryBytes,
        // A shard's table holds its connections and a handful of descriptors beside.
        shardDescriptors: engine.shards.map(({ counters }) => counters.connections ?? 0),
      }),
      engine,
      control: this.control(),
    };
  }

  private control(): ControlSample {
    const { delay, parts } = this;
    // What it measures is the time between two looks, which are never closer than the resolution.
    const late = (nanoseconds: number): number =>
      Math.max(0, Math.round((nanoseconds / NANOSECONDS - RESOLUTION_MS) * 1000) / 1000) || 0;
    const eventLoopLagMs = {
      mean: late(delay.mean),
      p99: late(delay.percentile(99)),
      max: late(delay.max),
    };
    delay.reset();
    const utilization = performance.eventLoopUtilization();
    const busy = performance.eventLoopUtilization(utilization, this.utilization);
    this.utilization = utilization;
    const { heapUsed, heapTotal, external } = process.memoryUsage();
    return {
      eventLoopLagMs,
      eventLoopBusy: Math.round(busy.utilization * 1000) / 1000,
      heap: { usedBytes: heapUsed, totalBytes: heapTotal, externalBytes: external },
      handlers: parts.handlers(),
      queues: parts.queues(),
    };
  }
}
