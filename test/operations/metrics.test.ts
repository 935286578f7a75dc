// What Prometheus reads: the text is what its format says, the values are those of the sample, and
// every name is in docs/METRICS.md.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Engine } from '../../src/engine/engine.js';
import type { QueueFigures } from '../../src/engine/engine-stats.js';
import { Exposition } from '../../src/operations/metrics/exposition.js';
import { metricName } from '../../src/operations/metrics/metric.js';
import { metricsReference } from '../../src/operations/metrics/reference.js';
import { metricsTable } from '../../src/operations/metrics/table.js';
import type { Sample } from '../../src/operations/sample.js';
import { parseExposition } from './support/exposition.js';
import { sampleAt } from './support/samples.js';

const table = metricsTable(Engine.metricsHelp());

const ring = (name: string, depth: number): QueueFigures => ({
  name,
  unit: 'bytes',
  depth,
  limit: 1000,
  high_water: depth * 2,
  pushed: 10,
  popped: 10 - depth,
  refused: 1,
  wait_us: { count: 1, sum: 100, buckets: [[depth * 100, 1]] },
});

function sample(): Sample {
  const base = sampleAt(1_800_000_000_000, {
    control: {
      handlers: [
        {
          namespace: 'jabber:iq:roster',
          us: {
            count: 4,
            sum: 70_000_215,
            buckets: [
              [15, 1],
              [100, 2],
              [80_000_000, 1],
            ],
          },
        },
      ],
    },
  });
  const shards = base.engine.shards.map((shard) => ({
    ...shard,
    counters: { messages_in: 7 + shard.id, connections: 3 },
    phases_us: { ...shard.phases_us, sockets: 2_500_000 },
  }));
  const queues = [
    ring('shard-0-to-shard-1-requests', 1),
    ring('shard-2-to-shard-1-requests', 3),
    ring('shard-0-events', 2),
  ];
  return { ...base, engine: { ...base.engine, shards, queues }, alarms: [] };
}

describe('metrics', () => {
  it('have names as Prometheus has them', () => {
    assert.deepEqual(metricName('loop_us', 'histogram', 'us'), {
      name: 'loop_seconds',
      factor: 1e-6,
    });
    assert.equal(metricName('messages_in', 'counter', '').name, 'messages_in_total');
    assert.equal(metricName('bytes_in', 'counter', 'bytes').name, 'bytes_in_total');
    assert.equal(metricName('mailbox_bytes', 'gauge', 'bytes').name, 'mailbox_bytes');
    assert.equal(metricName('cached', 'gauge', 'bytes').name, 'cached_bytes');
    assert.equal(metricName('busy_us', 'counter', 'us').name, 'busy_seconds_total');
    const names = table.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, kind, labels, help } of table) {
      assert.match(name, /^rookery_[a-z][a-z0-9_]*$/u);
      assert.equal(name.endsWith('_total'), kind === 'counter', name);
      for (const label of labels) assert.match(label, /^[a-z]+$/u);
      assert.ok(help.length > 3, name);
    }
  });

  it('are told as the format wants it, with the values of the sample', async () => {
    const families = parseExposition(await new Exposition(table).tell(sample()));
    const value = (name: string, labels: Record<string, string> = {}): number | undefined =>
      families
        .get(name.replace(/_(?:bucket|sum|count)$/u, '')) // of a histogram
        ?.series.find(
          (one) =>
            one.name === name &&
            Object.entries(labels).every(([label, text]) => one.labels[label] === text),
        )?.value ?? families.get(name)?.series.find((one) => one.name === name)?.value;
    assert.equal(value('rookery_uptime_seconds'), 100);
    assert.equal(value('rookery_descriptors', { table: 'shard-1' }), 10);
    assert.equal(value('rookery_machine_cpu_seconds_total', { mode: 'idle' }), 100);
    assert.equal(value('rookery_shard_messages_in_total', { shard: '1' }), 8);
    assert.equal(value('rookery_shard_connections', { shard: '0' }), 3);
    const sockets = { shard: '0', phase: 'sockets' };
    assert.equal(value('rookery_shard_phase_seconds_total', sockets), 2.5);
    assert.equal(value('rookery_lock_wait_seconds_total', { lock: 'submit' }), 0.00003);
    assert.equal(value('rookery_contention_wake_ups_asked_total'), 5);
    assert.equal(value('rookery_memory_bytes', { subsystem: 'journal' }), 1);
    // The rings towards a shard are one queue.
    const rings = { queue: 'to-shard-1-requests' };
    assert.equal(value('rookery_queue_depth', rings), 4);
    assert.equal(value('rookery_queue_high_water', rings), 6);
    assert.equal(value('rookery_queue_wait_seconds_count', rings), 2);
    assert.equal(value('rookery_queue_depth', { queue: 'shard-0-events' }), 2);
    assert.equal(value('rookery_queue_limit', { queue: 'handlers' }), 100);
    const of = { namespace: 'jabber:iq:roster' };
    const bucket = (le: string): number | undefined =>
      value('rookery_handler_seconds_bucket', { ...of, le });
    assert.deepEqual(
      [bucket('0.000031'), bucket('0.000063'), bucket('0.000127'), bucket('+Inf')],
      [1, 1, 3, 4],
    );
    assert.equal(value('rookery_handler_seconds_sum', of), 70.000215);
    assert.equal(value('rookery_handler_seconds_count', of), 4);
  });

  it('are the same text for as long as the sample is, and no other', async () => {
    const exposition = new Exposition(table);
    const one = sample();
    const text = await exposition.tell(one);
    assert.equal(await exposition.tell(one), text);
    const other = { ...one, server: { ...one.server, usersOnline: 4711 } };
    assert.match(await exposition.tell(other), /^rookery_users_online 4711$/mu);
  });

  it('write strange labels so that they are read back', async () => {
    const strange = sample();
    const namespace = 'urn:"x"\\y\nz';
    const handlers = [{ namespace, us: { count: 1, sum: 5, buckets: [[5, 1] as const] } }];
    const odd = { ...strange, control: { ...strange.control, handlers } };
    const families = parseExposition(await new Exposition(table).tell(odd));
    const read = families.get('rookery_handler_seconds')?.series[0]?.labels.namespace;
    assert.equal(read, namespace);
  });

  it('are documented as they are (else: npm run generate:metrics)', () => {
    const file = new URL('../../docs/METRICS.md', import.meta.url);
    assert.equal(readFileSync(file, 'utf8'), metricsReference(table));
  });
});
