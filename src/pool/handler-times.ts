// How long the handlers take, by the namespace that was asked. Only namespaces that a handler
// answers have an entry: what clients make up cannot fill it.

import { Histogram, type HistogramFigures } from '../base/histogram.js';
import type { HandlerTime } from './work.js';

/** Collects the times of all workers. */
export class HandlerTimes {
  private readonly byNamespace = new Map<string, Histogram>();

  add(times: readonly HandlerTime[]): void {
    for (const { namespace, us } of times) {
      let histogram = this.byNamespace.get(namespace);
      if (histogram === undefined) {
        histogram = new Histogram();
        this.byNamespace.set(namespace, histogram);
      }
      histogram.record(us);
    }
  }

  figures(): { namespace: string; us: HistogramFigures }[] {
    return [...this.byNamespace].map(([namespace, histogram]) => ({
      namespace,
      us: histogram.figures(),
    }));
  }
}
