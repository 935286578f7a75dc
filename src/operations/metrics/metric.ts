// A metric: its name, what it means, and how its values are read from a sample. The exposition and
// docs/METRICS.md are made from the same list of these.

import type { HistogramFigures } from '../../base/histogram.js';
import type { Sample } from '../sample.js';

export type MetricKind = 'counter' | 'gauge' | 'histogram';
export type Labels = Readonly<Record<string, string>>;

/** One series: its labels and what it stands at. */
export type Series = readonly [labels: Labels, value: number | HistogramFigures];

export interface Metric {
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  readonly labels: readonly string[];
  /** What values of the sample are multiplied by: 1e-6 makes seconds of microseconds. */
  readonly factor: number;
  read(sample: Sample): Iterable<Series>;
}

const UNITS: Readonly<Record<string, { readonly suffix: string; readonly factor: number }>> = {
  us: { suffix: 'seconds', factor: 1e-6 },
  ms: { suffix: 'seconds', factor: 1e-3 },
  seconds: { suffix: 'seconds', factor: 1 },
  bytes: { suffix: 'bytes', factor: 1 },
};

/**
 * A name as Prometheus has them: base units at its end, `_total` behind what only grows.
 * `loop_us` → `loop_seconds`, `bytes_in` → `bytes_in_total`.
 */
export function metricName(
  stem: string,
  kind: MetricKind,
  unit: string,
): { readonly name: string; readonly factor: number } {
  const { suffix, factor } = UNITS[unit] ?? { suffix: '', factor: 1 };
  const bare = stem.replace(/_(?:us|ms|seconds)$/u, '').replace(/[^a-zA-Z0-9_]/gu, '_');
  const hasUnit = suffix === '' || `_${bare}_`.includes(`_${suffix}_`);
  const withUnit = hasUnit ? bare : `${bare}_${suffix}`;
  return { name: kind === 'counter' ? `${withUnit}_total` : withUnit, factor };
}

/** Histograms are told with these bounds: every doubling, from 2^4 - 1 to 2^26 - 1 of the unit. */
const FIRST_BIT = 4;
const LAST_BIT = 26;
const BOUNDS = Array.from(
  { length: LAST_BIT - FIRST_BIT + 1 },
  (_, at) => 2 ** (FIRST_BIT + at) - 1,
);

/** Cumulative counts under each bound. */
export function cumulated({ buckets }: HistogramFigures): { bound: number; count: number }[] {
  let at = 0;
  let count = 0;
  return BOUNDS.map((bound) => {
    for (let next = buckets[at]; next !== undefined && next[0] <= bound; next = buckets[at]) {
      count += next[1];
      at++;
    }
    return { bound, count };
  });
}
