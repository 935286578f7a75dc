// The text that Prometheus reads. A sample is told once, however often it is asked for.

import { type Metric as PrometheusMetric, Registry } from 'prom-client';
import type { HistogramFigures } from '../../base/histogram.js';
import type { Sample } from '../sample.js';
import { boundsOf, cumulated, type Labels, type Metric } from './metric.js';

interface Value {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  /** The library writes these down once, for as long as they are the same object. */
  readonly sharedLabels: Labels;
  readonly value: number;
}

const NONE = {};
const INFINITE = { le: '+Inf' };

/** A float as people write it: 31e-6 is 0.000031, and not 0.000030999999999999998. */
function scaled(value: number, factor: number): number {
  return factor === 1 ? value : Number((value * factor).toPrecision(12));
}

/** A metric with what does not change from one telling to the next. */
class Teller {
  private readonly bounds: readonly number[];
  private readonly les: readonly { readonly le: string }[];
  private labels = new Map<string, Labels>();

  constructor(private readonly metric: Metric) {
    this.bounds = boundsOf(metric);
    this.les = this.bounds.map((bound) => ({ le: String(scaled(bound, metric.factor)) }));
  }

  *values(sample: Sample): Generator<Value> {
    const { name, factor } = this.metric;
    const known = this.labels;
    this.labels = new Map();
    for (const [labels, value] of this.metric.read(sample)) {
      const key = Object.values(labels).join('\u0000');
      const sharedLabels = known.get(key) ?? labels;
      this.labels.set(key, sharedLabels);
      if (typeof value !== 'number') yield* this.histogram(sharedLabels, value);
      else yield { metricName: name, labels: NONE, sharedLabels, value: scaled(value, factor) };
    }
  }

  /** One that has counted nothing is not told: most queues never make anybody wait. */
  private *histogram(sharedLabels: Labels, figures: HistogramFigures): Generator<Value> {
    if (figures.count === 0) return;
    const { name, factor } = this.metric;
    const metricName = `${name}_bucket`;
    for (const [index, value] of cumulated(figures, this.bounds).entries()) {
      yield { metricName, labels: this.les[index] ?? NONE, sharedLabels, value };
    }
    yield { metricName, labels: INFINITE, sharedLabels, value: figures.count };
    const sum = scaled(figures.sum, factor);
    yield { metricName: `${name}_sum`, labels: NONE, sharedLabels, value: sum };
    yield { metricName: `${name}_count`, labels: NONE, sharedLabels, value: figures.count };
  }
}

/** Tells samples. */
export class Exposition {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  private readonly registry = new Registry();
  private told: Sample | undefined;
  private text: Promise<string> = Promise.resolve('');

  constructor(metrics: readonly Metric[]) {
    for (const metric of metrics) {
      const teller = new Teller(metric);
      // The library's own classes count by themselves; ours are counted elsewhere already, and have
      // of a metric what the registry asks of one.
      const source = {
        name: metric.name,
        help: metric.help,
        type: metric.kind,
        get: async () => ({
          name: metric.name,
          help: metric.help,
          type: metric.kind,
          values: this.told === undefined ? [] : [...teller.values(this.told)],
        }),
      };
      this.registry.registerMetric(source as unknown as PrometheusMetric);
    }
  }

  /** The text of a sample. */
  async tell(sample: Sample): Promise<string> {
    if (this.told !== sample) {
      this.told = sample;
      this.text = this.registry.metrics();
    }
    return await this.text;
  }
}
