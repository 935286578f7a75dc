// Two samples of the same process, and what happened between them: rates and percentiles.

import { type HistogramFigures, histogramSince, quantile } from '../../base/histogram.js';
import type { Sample } from '../sample.js';

/** What lies between two samples; without an earlier one, all since the server's start. */
export interface Interval {
  readonly now: Sample;
  readonly before: Sample | undefined;
  readonly seconds: number;
}

export function intervalOf(now: Sample, earlier: Sample | undefined): Interval {
  // Another process: nothing of the earlier sample is comparable.
  const before = earlier?.server.pid === now.server.pid ? earlier : undefined;
  const seconds =
    before === undefined
      ? Math.max(1, now.server.uptimeSeconds)
      : Math.max(0.001, (now.at - before.at) / 1000);
  return { now, before, seconds };
}

/** Growth each second; a server that was started anew counts from zero. */
export function rate(now: number, before: number | undefined, seconds: number): number {
  const grown = before === undefined || now < before ? now : now - before;
  return grown / seconds;
}

/** Growth each second of one of the engine's counters. */
export function counterRate({ now, before, seconds }: Interval, name: string): number {
  return rate(now.engine.counters[name] ?? 0, before?.engine.counters[name], seconds);
}

/** Under which value a share of what was counted in between lies. */
export function percentile(
  now: HistogramFigures,
  before: HistogramFigures | undefined,
  share: number,
): number {
  return quantile(histogramSince(now, before), share);
}

/** Several histograms as one. */
export function merged(histograms: readonly HistogramFigures[]): HistogramFigures {
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
