// The queue of commands before the engine: batching, order, and what it does when it is full.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandQueue, CommandQueueFullError } from '../../src/engine/command-queue.js';
import { RecordReader } from '../../src/engine/record-buffer.js';

/** The users named in a batch of RemoveAccount commands. */
function users(batch: Uint8Array): string[] {
  const reader = new RecordReader(batch);
  const found: string[] = [];
  while (reader.next()) found.push(reader.str());
  return found;
}

function remove(user: string) {
  return { kind: 'RemoveAccount', user } as const;
}

describe('CommandQueue', () => {
  it('lets the commands of one turn cross in one batch', async () => {
    const batches: string[][] = [];
    const queue = new CommandQueue((batch) => batches.push(users(batch)) > 0);
    for (const user of ['ann', 'bob', 'eve']) queue.push(remove(user));
    assert.deepEqual(batches, [], 'nothing crosses before the turn ends');
    await sleep(20);
    assert.deepEqual(batches, [['ann', 'bob', 'eve']]);
    assert.equal(queue.stats().depth, 0);
  });

  it('keeps the order and loses nothing while the engine is full', async () => {
    const taken: string[] = [];
    let calls = 0;
    const queue = new CommandQueue((batch) => {
      calls += 1;
      if (calls % 3 !== 0) return false;
      taken.push(...users(batch));
      return true;
    });
    const pushed: string[] = [];
    for (let index = 0; index < 20_000; index += 1) {
      pushed.push(`user${index}`);
      queue.push(remove(`user${index}`));
    }
    for (let tries = 0; queue.stats().depth > 0 && tries < 500; tries += 1) await sleep(5);
    assert.deepEqual(taken, pushed);
    assert(queue.stats().full > 0);
  });

  it('refuses at its limit, counts it, and says when there is room', async () => {
    let open = false;
    const queue = new CommandQueue(() => open, 4096);
    assert.throws(() => {
      for (let index = 0; index < 1000; index += 1) queue.push(remove(`user${index}`));
    }, CommandQueueFullError);
    assert.equal(queue.stats().refused, 1);
    let hasRoom = false;
    const room = queue.room().then(() => {
      hasRoom = true;
    });
    await sleep(10);
    assert.equal(hasRoom, false);
    open = true;
    await room;
    queue.push(remove('late'));
    assert.equal(queue.flush(), true);
  });

  it('does not try a batch again at which the engine threw', () => {
    const seen: string[][] = [];
    const queue = new CommandQueue((batch) => {
      seen.push(users(batch));
      if (seen.length === 1) throw new RangeError('bad record');
      return true;
    });
    queue.push(remove('bad'));
    assert.throws(() => queue.flush(), /bad record/);
    queue.push(remove('good'));
    assert.equal(queue.flush(), true);
    assert.deepEqual(seen, [['bad'], ['good']]);
    assert.equal(queue.stats().depth, 0);
  });

  it('refuses everything once it is closed', async () => {
    const queue = new CommandQueue(() => true);
    queue.push(remove('ann'));
    queue.close();
    assert.throws(() => queue.push(remove('bob')), CommandQueueFullError);
    assert.equal(queue.flush(), true);
    await sleep(5);
  });
});
