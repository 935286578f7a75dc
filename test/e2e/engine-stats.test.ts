// What the engine says of itself while two people talk: every figure is there, means something, and
// is true of what they did.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../../src/engine/engine.js';
import type { EngineStats, HistogramFigures } from '../../src/engine/engine-stats.js';
import { eventually } from './support/phone.js';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';

const MESSAGES = 50;

describe('statistics of the engine', function () {
  this.timeout(60_000);
  let server: TestServer;
  const clients: RawClient[] = [];

  before(async () => {
    server = await TestServer.start({
      config: { shards: 3, xmpp: { starttls: 'optional' } },
      accounts: ['ann', 'bob', 'cid', 'away'],
    });
  });
  after(async () => {
    for (const client of clients) client.cut();
    await server.remove();
  });

  const look = async (): Promise<EngineStats> =>
    (await server.status()).engine as unknown as EngineStats;
  const all = (stats: EngineStats, name: keyof EngineStats['shards'][0]['histograms']) =>
    stats.shards.reduce((sum, { histograms }) => sum + histograms[name].count, 0);
  async function login(user: string, security: 'none' | 'direct'): Promise<RawClient> {
    const client = new RawClient(server.endpoint, user);
    await client.login({ security, acks: true });
    clients.push(client);
    return client;
  }

  it('count messages from their receipt to their end, connections by their layers', async () => {
    const ann = await login('ann', 'none');
    const bob = await login('bob', 'direct');
    const cid = await login('cid', 'direct');
    for (let at = 0; at < MESSAGES; at++) {
      for (const to of ['bob', 'cid', 'away']) {
        const { domain } = server;
        ann.send(
          `<message to='${to}@${domain}' type='chat' id='${to}${at}'><body>x</body></message>`,
        );
      }
    }
    for (const [client, user] of [
      [bob, 'bob'],
      [cid, 'cid'],
    ] as const) {
      await client.until(({ attrs }) => attrs.id === `${user}${MESSAGES - 1}`);
    }
    const stats = await eventually('all of it is counted', async () => {
      const now = await look();
      return (
        all(now, 'delivered_us') === 2 * MESSAGES && all(now, 'safe_us') === 3 * MESSAGES && now
      );
    });
    assert.equal(all(stats, 'handover_us'), 2 * MESSAGES);
    const { counters } = stats;
    assert.equal(counters.connections, 3);
    assert.equal(counters.connections_plain, 1);
    assert.equal(counters.connections_tls, 2);
    assert.equal(counters.connections_openssl, 0);
    assert.equal(counters.connections_noise, 0);
    assert.equal(counters.mailbox_now, MESSAGES);
    const mailboxes = stats.shards.map((shard) => shard.mailboxes);
    const sum = (name: keyof (typeof mailboxes)[0]) =>
      mailboxes.reduce((total, figures) => total + figures[name], 0);
    assert.equal(sum('messages'), MESSAGES);
    assert.equal(sum('cached'), 0);
    assert.equal(sum('bytes'), counters.mailbox_bytes);
    assert.ok(sum('written') >= MESSAGES);
    // To the minute, and published about once a second.
    await eventually('the oldest message has an age', async () => {
      const { shards } = await look();
      return shards.some((shard) => shard.mailboxes.oldest_seconds > 0);
    });
  });

  it('bring what waited on the disk back', async () => {
    const away = await login('away', 'none');
    await away.until(({ attrs }) => attrs.id === `away${MESSAGES - 1}`);
    const stats = await eventually('the mailbox is empty', async () => {
      const now = await look();
      return now.counters.mailbox_now === 0 && now;
    });
    const drained = stats.shards.reduce((sum, { mailboxes }) => sum + mailboxes.drained, 0);
    assert.equal(drained, MESSAGES);
    assert.equal(stats.counters.mailbox_cached, 0);
    assert.equal(stats.counters.mailbox_cached_bytes, 0);
    // It had waited for its recipient, not for us.
    assert.equal(all(stats, 'handover_us'), 2 * MESSAGES);
  });

  it('are consistent', async () => {
    const [ann] = clients;
    // Waits in rings are taken in one turn of sixteen only: it talks until there has been one.
    await eventually('a wait between shards has been taken', async () => {
      for (const to of ['bob', 'cid', 'away']) {
        ann?.send(`<message to='${to}@${server.domain}' type='chat'><body>x</body></message>`);
      }
      const { queues } = await look();
      return queues.some(({ name, wait_us }) => name.endsWith('requests') && wait_us.count > 0);
    });
    const stats = await eventually('nothing is under way', async () => {
      const before = await look();
      await sleep(100);
      const now = await look();
      const still = (name: string): boolean => now.counters[name] === before.counters[name];
      return still('messages_in') && still('messages_delivered') && now;
    });
    const check = ({ count, sum, buckets }: HistogramFigures): void => {
      assert.equal(
        buckets.reduce((total, [, here]) => total + here, 0),
        count,
      );
      const most = buckets.reduce((total, [bound, here]) => total + bound * here, 0);
      assert.ok(most >= sum && most <= sum + sum / 8 + count, `${sum} in ${most}`);
    };
    let timed = 0;
    for (const { cpu_us, phases_us, histograms, counters } of stats.shards) {
      assert.ok(cpu_us > 0);
      for (const histogram of Object.values(histograms)) check(histogram);
      // A turn that is under way has been counted, but not its time.
      assert.ok(Math.abs(histograms.loop_us.count - (counters.loops ?? 0)) <= 1);
      timed += Object.values(phases_us).reduce((sum, us) => sum + us, 0);
    }
    assert.ok(timed > 0);
    const total = stats.shards.reduce((sum, { counters }) => sum + (counters.messages_in ?? 0), 0);
    assert.equal(total, stats.counters.messages_in);
    for (const { wait_us, pushed, popped } of stats.queues) {
      check(wait_us);
      assert.ok(pushed >= popped);
      assert.ok(pushed > 0 || wait_us.count === 0);
    }
    assert.ok(stats.queues.some(({ name, wait_us }) => name.includes('→') && wait_us.count > 0));
    const [store] = stats.stores;
    assert.ok(store !== undefined && store.cpu_us > 0 && store.records >= MESSAGES);
    for (const histogram of [store.commit_us, store.fsync_us, store.batch]) {
      assert.equal(histogram.count, store.commits);
      check(histogram);
    }
    assert.equal(store.batch.sum, store.records);
    assert.ok(store.commit_us.sum >= store.fsync_us.sum);
    assert.ok(Object.values(stats.memory).every((bytes) => Number.isInteger(bytes) && bytes >= 0));
    assert.ok(stats.memory.connections > 100_000 && stats.memory.transports > 200);
    const { locks, wake_ups } = stats.contention;
    assert.deepEqual(
      locks.map(({ name }) => name),
      ['engine-submit', 'engine-events', 'tls-ticket-keys', 'store-sleep-0'],
    );
    assert.ok(locks.every(({ taken, waited }) => taken > 0 && waited <= taken));
    assert.ok(wake_ups.rung > 0 && wake_ups.asked > 0);
  });

  it('are explained', async () => {
    const stats = await look();
    const help = Engine.metricsHelp();
    const [shard] = stats.shards;
    const [store] = stats.stores;
    const [queue] = stats.queues;
    assert.ok(shard !== undefined && store !== undefined && queue !== undefined);
    const rest = (from: object, ...without: string[]): string[] =>
      Object.keys(from).filter((name) => !without.includes(name));
    const named: readonly [keyof typeof help, string[]][] = [
      ['counters', rest(stats.counters)],
      ['histograms', rest(shard.histograms)],
      ['phases_us', rest(shard.phases_us)],
      ['mailboxes', rest(shard.mailboxes)],
      ['shards', rest(shard, 'id', 'counters', 'phases_us', 'histograms', 'mailboxes')],
      ['queues', rest(queue, 'name', 'unit')],
      ['stores', rest(store, 'id')],
      ['memory', rest(stats.memory)],
    ];
    for (const [part, names] of named) {
      assert.deepEqual(Object.keys(help[part]).sort(), names.sort());
      for (const { help: text } of Object.values(help[part])) assert.ok(text.length > 3);
    }
    assert.equal(help.counters.connections_tls?.kind, 'gauge');
    assert.equal(help.counters.logins?.kind, 'counter');
    assert.equal(help.histograms.handover_us?.unit, 'us');
  });
});
