// The metrics of the engine, made from what the engine itself says of its figures: a counter that
// is added there is here without another word.

import type { HistogramFigures } from '../../base/histogram.js';
import type {
  ContentionFigures,
  FigureHelp,
  Figures,
  MetricsHelp,
  QueueFigures,
} from '../../engine/engine-stats.js';
import type { Sample } from '../sample.js';
import { type Labels, type Metric, metricName, type Series } from './metric.js';

type Help = Readonly<Record<string, FigureHelp>>;
/** One row: labels, and where its figures are. */
type Rows = (sample: Sample) => Iterable<readonly [Labels, Readonly<Record<string, unknown>>]>;

function isHistogram(value: unknown): value is HistogramFigures {
  return typeof value === 'object' && value !== null && 'buckets' in value;
}

/** A metric for each figure of a group. */
function group(prefix: string, help: Help, labels: readonly string[], rows: Rows): Metric[] {
  return Object.entries(help).map(([field, { kind, unit, help: words }]) => {
    const { name, factor } = metricName(field, kind, unit);
    return {
      name: `${prefix}_${name}`,
      kind,
      help: words,
      labels,
      factor,
      *read(sample): Generator<Series> {
        for (const [of, figures] of rows(sample)) {
          const value = figures[field];
          if (typeof value === 'number' || isHistogram(value)) yield [of, value];
        }
      },
    };
  });
}

/** A metric whose label is the name of the figure. */
function named(
  metric: Pick<Metric, 'name' | 'kind' | 'help' | 'factor' | 'labels'>,
  help: Help,
  rows: (sample: Sample) => Iterable<readonly [Labels, Figures]>,
): Metric {
  const label = metric.labels.at(-1) ?? '';
  return {
    ...metric,
    *read(sample): Generator<Series> {
      for (const [of, figures] of rows(sample)) {
        for (const name of Object.keys(help)) {
          const value = figures[name];
          if (value !== undefined) yield [{ ...of, [label]: name }, value];
        }
      }
    },
  };
}

function merged(left: HistogramFigures, right: HistogramFigures): HistogramFigures {
  const buckets = new Map(left.buckets);
  for (const [bound, count] of right.buckets) {
    buckets.set(bound, (buckets.get(bound) ?? 0) + count);
  }
  return {
    count: left.count + right.count,
    sum: left.sum + right.sum,
    buckets: [...buckets].sort(([one], [other]) => one - other),
  };
}

/** The rings towards a shard are told together: there are as many as pairs of shards. */
export function queueLabel(name: string): string {
  return name.replace(/^shard-\d+-to-/u, 'to-');
}

type QueueRow = Omit<QueueFigures, 'name' | 'unit'>;

function queueRows({ engine, control }: Sample): [Labels, Readonly<Record<string, unknown>>][] {
  const rows = new Map<string, QueueRow>();
  for (const { name, unit: _, ...queue } of engine.queues) {
    const label = queueLabel(name);
    const before = rows.get(label);
    rows.set(
      label,
      before === undefined
        ? queue
        : {
            depth: before.depth + queue.depth,
            limit: before.limit + queue.limit,
            high_water: Math.max(before.high_water, queue.high_water),
            pushed: before.pushed + queue.pushed,
            popped: before.popped + queue.popped,
            refused: before.refused + queue.refused,
            wait_us: merged(before.wait_us, queue.wait_us),
          },
    );
  }
  return [
    ...[...rows].map(([queue, figures]) => [{ queue }, figures] as [Labels, QueueRow]),
    ...control.queues.map(
      ({ name, ...figures }) => [{ queue: name }, figures] as [Labels, typeof figures],
    ),
  ];
}

function shardRows(pick: (shard: Sample['engine']['shards'][number]) => object): Rows {
  return ({ engine }) =>
    engine.shards.map((shard) => [
      { shard: String(shard.id) },
      pick(shard) as Readonly<Record<string, unknown>>,
    ]);
}

/** Flattens what stands in groups: `wake_ups: { asked }` → `wake_ups_asked`. */
function contentionRow({
  wake_ups: wakes,
  commit_waits: waits,
  ...rest
}: ContentionFigures): Figures {
  const flat: Record<string, number> = { congested_turns: rest.congested_turns };
  for (const [name, value] of Object.entries(wakes)) flat[`wake_ups_${name}`] = value;
  for (const [name, value] of Object.entries(waits)) flat[`commit_${name}`] = value;
  return flat;
}

function contentionMetrics(help: Help): Metric[] {
  const lock = Object.entries(help).filter(([name]) => name.startsWith('lock_'));
  const others = Object.entries(help).filter(([name]) => !name.startsWith('lock_'));
  return [
    ...group('rookery_contention', Object.fromEntries(others), [], ({ engine }) => [
      [{}, contentionRow(engine.contention)],
    ]),
    ...group('rookery', Object.fromEntries(lock), ['lock'], ({ engine }) =>
      engine.contention.locks.map(({ name, taken, waited, wait_us }) => [
        { lock: name },
        { lock_taken: taken, lock_waited: waited, lock_wait_us: wait_us },
      ]),
    ),
  ];
}

/** All of them. */
export function engineMetrics(help: MetricsHelp): Metric[] {
  const { shards, counters, histograms, mailboxes, phases_us: phases, queues, stores } = help;
  const phase = {
    name: 'rookery_shard_phase_seconds_total',
    kind: 'counter' as const,
    help: `time of the shard in each phase of its loop: ${Object.entries(phases)
      .map(([name, { help: words }]) => `${name} (${words})`)
      .join('; ')}`,
    labels: ['shard', 'phase'],
    factor: 1e-6,
  };
  const memory = {
    name: 'rookery_memory_bytes',
    kind: 'gauge' as const,
    help: `memory by subsystem: ${Object.entries(help.memory)
      .map(([name, { help: words }]) => `${name} (${words})`)
      .join('; ')}`,
    labels: ['subsystem'],
    factor: 1,
  };
  return [
    ...group(
      'rookery_shard',
      shards,
      ['shard'],
      shardRows((shard) => shard),
    ),
    ...group(
      'rookery_shard',
      counters,
      ['shard'],
      shardRows((shard) => shard.counters),
    ),
    ...group(
      'rookery_shard',
      histograms,
      ['shard'],
      shardRows((shard) => shard.histograms),
    ),
    named(phase, phases, ({ engine }) =>
      engine.shards.map(({ id, phases_us }) => [{ shard: String(id) }, phases_us]),
    ),
    ...group(
      'rookery_mailbox',
      mailboxes,
      ['shard'],
      shardRows((shard) => shard.mailboxes),
    ),
    ...group('rookery_queue', queues, ['queue'], queueRows),
    ...group('rookery_store', stores, ['store'], ({ engine }) =>
      engine.stores.map((store) => [
        { store: String(store.id) },
        store as unknown as Readonly<Record<string, unknown>>,
      ]),
    ),
    named(memory, help.memory, ({ engine }) => [[{}, engine.memory]]),
    ...contentionMetrics(help.contention),
  ];
}
