// The one list of metrics.

import type { MetricsHelp } from '../../engine/engine-stats.js';
import { engineMetrics } from './engine-metrics.js';
import type { Metric } from './metric.js';
import { systemMetrics } from './system-metrics.js';

/** Every metric, the engine's first. */
export function metricsTable(help: MetricsHelp): readonly Metric[] {
  return [...engineMetrics(help), ...systemMetrics];
}
