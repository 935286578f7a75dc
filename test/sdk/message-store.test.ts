// The client's store, over a real SQLite file.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageStore } from '../../src/sdk/store/message-store.js';
import { openNodeDatabase } from '../../src/sdk/store/node-database.js';

const BOB = 'bob@example.org';
const AT = { id: '00000000000000aa', handled: 1 };

function incoming(id: string, at: number, receiptWanted = true) {
  return { id, peer: BOB, body: `text ${id}`, at, receiptWanted };
}

function outgoing(id: string) {
  return { peer: BOB, id, body: `text ${id}`, form: 'text' as const, target: undefined };
}

describe('sdk: message store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rookery-store-'));
  const file = join(folder, 'messages.sqlite');
  let store: MessageStore;
  const reopen = async () => {
    store = await MessageStore.open(openNodeDatabase(file));
  };
  beforeEach(reopen);
  afterEach(() => store.close());
  after(() => rmSync(folder, { recursive: true }));

  it('keeps a message that came once, with where the stream was', async () => {
    assert.equal(await store.add(incoming('m1', 10), AT), true);
    assert.equal(await store.add(incoming('m1', 11), { ...AT, handled: 2 }), false);
    await store.close();
    await reopen();
    assert.deepEqual(await store.position(), { ...AT, handled: 2 });
    const [first, ...others] = await store.history(BOB);
    assert.equal(first?.body, 'text m1');
    assert.equal(first?.at, 10);
    assert.deepEqual(others, []);
  });

  it('owes a receipt until the server has it, then a read marker of the last', async () => {
    await store.add(incoming('m2', 20), AT);
    assert.deepEqual(
      (await store.owed()).map(({ id, notice }) => `${id} ${notice}`),
      ['m1 delivered', 'm2 delivered'],
    );
    await store.told({ peer: BOB, id: 'm1', notice: 'delivered' });
    await store.see(BOB);
    assert.deepEqual(
      (await store.owed()).map(({ id, notice }) => `${id} ${notice}`),
      ['m1 read', 'm2 read'],
    );
    await store.told({ peer: BOB, id: 'm2', notice: 'read' });
    assert.deepEqual(await store.owed(), []);
  });

  it('owes nothing for a message that wanted no receipt', async () => {
    await store.add(incoming('m3', 30, false), AT);
    await store.see(BOB);
    assert.deepEqual(await store.owed(), []);
  });

  it('moves ticks forward only', async () => {
    await store.queue(outgoing('o1'), 40);
    await store.queue(outgoing('o2'), 41);
    assert.deepEqual(
      (await store.queued()).map(({ id }) => id),
      ['o1', 'o2'],
    );
    const [accepted] = await store.tick(BOB, ['o1'], 'accepted');
    assert.equal(accepted?.tick, 'accepted');
    assert.equal((await store.tick(BOB, ['o1'], 'delivered'))[0]?.tick, 'delivered');
    assert.deepEqual(await store.tick(BOB, ['o1'], 'accepted'), []);
    assert.deepEqual(
      (await store.queued()).map(({ id }) => id),
      ['o2'],
    );
  });

  it('reads a marker as covering what was sent before it', async () => {
    await store.tick(BOB, ['o2'], 'accepted');
    const moved = await store.readUpTo(BOB, 'o2');
    assert.deepEqual(
      moved.map(({ id, tick }) => `${id} ${tick}`),
      ['o1 read', 'o2 read'],
    );
  });

  it('believes a marker of somebody else for nothing', async () => {
    await store.queue(outgoing('o3'), 50);
    assert.deepEqual(await store.readUpTo('eve@example.org', 'o3'), []);
  });

  it('edits and retracts, and lets nothing come back after that', async () => {
    assert.equal((await store.edit(BOB, false, 'm1', 'other'))[0]?.body, 'other');
    assert.equal((await store.retract(BOB, false, 'm1'))[0]?.retracted, true);
    assert.deepEqual(await store.edit(BOB, false, 'm1', 'again'), []);
    assert.equal((await store.find(BOB, false, 'm1'))?.body, '');
  });

  it('lists chats with what is unread, and pages through history', async () => {
    await store.add({ ...incoming('c1', 60), peer: 'carol@example.org' }, AT);
    const chats = await store.chats();
    assert.equal(chats[0]?.peer, 'carol@example.org');
    assert.equal(chats[0]?.unread, 1);
    const last = await store.history(BOB, 2);
    const before = await store.history(BOB, 2, last[0]?.at);
    assert.equal(last.length, 2);
    assert.ok((before.at(-1)?.at ?? 0) < (last[0]?.at ?? 0));
  });

  it('changes all of a group or nothing', async () => {
    const database = openNodeDatabase(':memory:');
    await database.change([{ sql: 'CREATE TABLE t (x INTEGER UNIQUE)' }]);
    await assert.rejects(
      database.change([{ sql: 'INSERT INTO t VALUES (1)' }, { sql: 'INSERT INTO t VALUES (1)' }]),
    );
    assert.deepEqual(await database.rows({ sql: 'SELECT * FROM t' }), []);
    await database.close();
  });
});
