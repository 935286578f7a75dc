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

/** Bounds of histograms: every doubling, `2^first - 1` to `2^last - 1`. */
function doublings(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => 2 ** (first + at) - 1);
}

/** Of times in microseconds: 31 µs to 17 s. */
const TIME_BOUNDS: readonly number[] = doublings(5, 24);
/** Of pieces: 1 to 65,535. */
const PIECE_BOUNDS: readonly number[] = doublings(1, 16);

/** The bounds with which a metric's histograms are told, in the unit of the sample. */
export function boundsOf({ factor }: Pick<Metric, 'factor'>): readonly number[] {
  return factor === 1 ? PIECE_BOUNDS : TIME_BOUNDS;
}

/** How many values lie under each bound. */
export function cumulated({ buckets }: HistogramFigures, bounds: readonly number[]): number[] {
  let at = 0;
  let count = 0;
  return bounds.map((bound) => {
    for (let next = buckets[at]; next !== undefined && next[0] <= bound; next = buckets[at]) {
      count += next[1];
      at++;
    }
    return count;
  });
}
