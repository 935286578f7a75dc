// The text that Prometheus reads. A sample is told once, however often it is asked for.

import { type Metric as PrometheusMetric, Registry } from 'prom-client';
import type { HistogramFigures } from '../../base/histogram.js';
import type { Sample } from '../sample.js';
import { cumulated, type Labels, type Metric } from './metric.js';

interface Value {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** A float as people write it: 31e-6 is 0.000031, and not 0.000030999999999999998. */
function scaled(value: number, factor: number): number {
  return factor === 1 ? value : Number((value * factor).toPrecision(12));
}

function* histogramValues(
  { name, factor }: Metric,
  labels: Labels,
  figures: HistogramFigures,
): Generator<Value> {
  for (const { bound, count } of cumulated(figures)) {
    yield {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: scaled(bound, factor) },
      value: count,
    };
  }
  yield { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: figures.count };
  yield { metricName: `${name}_sum`, labels, value: scaled(figures.sum, factor) };
  yield { metricName: `${name}_count`, labels, value: figures.count };
}

function* values(metric: Metric, sample: Sample): Generator<Value> {
  for (const [labels, value] of metric.read(sample)) {
    if (typeof value !== 'number') yield* histogramValues(metric, labels, value);
    else yield { metricName: metric.name, labels, value: scaled(value, metric.factor) };
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
          values: this.told === undefined ? [] : [...values(metric, this.told)],
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
