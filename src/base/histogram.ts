// A histogram of whole numbers with buckets that grow: four in each doubling, so that a value is
// known to within an eighth of itself. The engine's are made the same way.

/** How many, their sum, and the buckets that are not empty, by their upper bounds. */
export interface HistogramFigures {
  readonly count: number;
  readonly sum: number;
  readonly buckets: readonly (readonly [upperBound: number, count: number])[];
}

export const EMPTY_HISTOGRAM: HistogramFigures = { count: 0, sum: 0, buckets: [] };

const STEPS = 4;

/** The upper bound, itself included, of the bucket in which a value lies. */
export function bucketBound(value: number): number {
  if (value < STEPS) return Math.max(0, Math.ceil(value));
  const octave = 2 ** Math.floor(Math.log2(value));
  const width = octave / STEPS;
  return octave + width * (Math.floor((value - octave) / width) + 1) - 1;
}

/** Counts values. */
export class Histogram {
  private count = 0;
  private sum = 0;
  private readonly buckets = new Map<number, number>();

  record(value: number): void {
    const whole = Math.max(0, Math.round(value));
    this.count++;
    this.sum += whole;
    const bound = bucketBound(whole);
    this.buckets.set(bound, (this.buckets.get(bound) ?? 0) + 1);
  }

  figures(): HistogramFigures {
    const buckets = [...this.buckets].sort(([left], [right]) => left - right);
    return { count: this.count, sum: this.sum, buckets };
  }
}

/** What was counted between two looks at a histogram that only grows. */
export function histogramSince(
  now: HistogramFigures,
  before: HistogramFigures | undefined,
): HistogramFigures {
  // Fewer than before: it began anew.
  if (before === undefined || now.count < before.count) return now;
  const old = new Map(before.buckets);
  const buckets = now.buckets
    .map(([bound, count]) => [bound, count - (old.get(bound) ?? 0)] as const)
    .filter(([, count]) => count > 0);
  return { count: now.count - before.count, sum: now.sum - before.sum, buckets };
}

/** The bound under which a share of the values lies; 0 when there are none. */
export function quantile({ count, buckets }: HistogramFigures, share: number): number {
  const wanted = count * share;
  let seen = 0;
  for (const [bound, here] of buckets) {
    seen += here;
    if (seen >= wanted) return bound;
  }
  return buckets.at(-1)?.[0] ?? 0;
}
