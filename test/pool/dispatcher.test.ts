// The queue before the handlers: order, its limit, what happens when a worker dies, when the engine
// is full, and when the handlers are swapped.

import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Command } from '../../src/engine/boundary.gen.js';
import { CommandQueueFullError } from '../../src/engine/command-queue.js';
import { Dispatcher, type Handlers } from '../../src/pool/dispatcher.js';
import type { BatchResult, WorkItem } from '../../src/pool/work.js';
import { type Effect, toSession } from '../../src/services/effects.js';

function iq(user: string, id: string): WorkItem {
  const common = { shard: 0, resource: 'r', session: 1n, to: '', stanza: '<iq/>', online: false };
  return { kind: 'IqRequest', ...common, user, id };
}

/** Handlers whose answers come when the test says so. */
class HeldHandlers implements Handlers {
  readonly batches: WorkItem[][] = [];
  readonly releases: ((fail?: Error) => void)[] = [];
  closed = false;
  /** What each answer says beside the handlers' name and the id. */
  padding = '';

  constructor(private readonly name: string) {}

  answer(items: readonly WorkItem[]): Promise<BatchResult> {
    this.batches.push([...items]);
    return new Promise((resolve, reject) => {
      this.releases.push((fail) => {
        if (fail !== undefined) reject(fail);
        else
          resolve({
            kind: 'batch',
            effects: items.map((item) => this.answerTo(item)),
            failures: [],
            times: [],
          });
      });
    });
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private answerTo(item: WorkItem): Effect {
    assert.equal(item.kind, 'IqRequest');
    return toSession(item.user, 1n, `${this.name} ${item.id}${this.padding}`);
  }
}

/** An engine that notes what it gets, and can be full. */
class NotingSink {
  readonly sent: string[] = [];
  full = false;

  send(command: Command): void {
    if (this.full) throw new CommandQueueFullError(1);
    this.sent.push(command.kind === 'SendToUser' ? command.stanza : command.kind);
  }

  async room(): Promise<void> {
    while (this.full) await turn();
  }
}

describe('dispatcher', () => {
  let handlers: HeldHandlers;
  let sink: NotingSink;
  let failures: string[];

  beforeEach(() => {
    handlers = new HeldHandlers('old');
    sink = new NotingSink();
    failures = [];
  });

  function dispatcher(lanes: number, maxQueue: number, maxQueueBytes = 1_000_000): Dispatcher {
    return new Dispatcher(handlers, {
      domain: 'example.org',
      lanes,
      maxQueue,
      maxQueueBytes,
      facts: { resolve: (effects) => effects as Command[] },
      sink,
      onFailure: (handler, message) => failures.push(`${handler}: ${message}`),
    });
  }

  it('keeps the order of a user, and batches what comes meanwhile', async () => {
    const queue = dispatcher(1, 100);
    for (const id of ['1', '2', '3']) queue.dispatch(iq('ann', id));
    await turn();
    assert.deepEqual(
      handlers.batches.map((batch) => batch.length),
      [1],
    );
    handlers.releases[0]?.();
    await turn();
    assert.deepEqual(
      handlers.batches.map((batch) => batch.length),
      [1, 2],
    );
    handlers.releases[1]?.();
    await queue.drain();
    assert.deepEqual(sink.sent, ['old 1', 'old 2', 'old 3']);
    assert.equal(queue.stats().answered, 3);
  });

  it('answers resource-constraint when it is full, and counts it', async () => {
    const queue = dispatcher(1, 2);
    for (const id of ['1', '2', '3']) queue.dispatch(iq('ann', id));
    await turn();
    assert.equal(sink.sent.length, 1);
    assert.match(sink.sent[0] ?? '', /id="3".*to="ann@example\.org\/r".*<resource-constraint/u);
    const { depth, inProgress, limit, refused } = queue.stats();
    assert.deepEqual(
      { depth, inProgress, limit, refused },
      { depth: 1, inProgress: 1, limit: 2, refused: 1 },
    );
    handlers.releases[0]?.();
    await turn();
    queue.dispatch(iq('ann', '4'));
    handlers.releases[1]?.();
    await turn();
    handlers.releases[2]?.();
    await queue.drain();
    assert.deepEqual(sink.sent.slice(1), ['old 1', 'old 2', 'old 4']);
  });

  it('gives one user a part of the queue and no more', async () => {
    const queue = dispatcher(4, 1000);
    for (let id = 0; id < 300; id += 1) queue.dispatch(iq('ann', String(id)));
    queue.dispatch(iq('bob', '1'));
    await turn();
    assert.equal(queue.stats().refused, 100);
    assert.ok(sink.sent.every((sent) => sent.includes('ann@example.org/r')));
    for (let at = 0; queue.stats().answered < 201; at += 1) {
      handlers.releases[at]?.();
      await turn();
    }
    assert.equal(queue.stats().answered, 201);
    // What was answered counts no more.
    queue.dispatch(iq('ann', 'again'));
    await turn();
    handlers.releases.at(-1)?.();
    await queue.drain();
    assert.equal(queue.stats().refused, 100);
  });

  it('makes batches larger, but not when their answers are large', async () => {
    const queue = dispatcher(1, 1000);
    const sizes = async (answer: string): Promise<number[]> => {
      const before = handlers.batches.length;
      handlers.padding = answer;
      for (let id = 0; id < 200; id += 1) queue.dispatch(iq('ann', String(id)));
      const answered = queue.stats().answered + 200;
      for (let at = before; queue.stats().answered < answered; at += 1) {
        handlers.releases[at]?.();
        await turn();
      }
      return handlers.batches.slice(before).map((batch) => batch.length);
    };
    assert.deepEqual(await sizes(''), [1, 64, 128, 7]);
    assert.deepEqual((await sizes('x'.repeat(100_000))).slice(0, 5), [1, 10, 10, 10, 10]);
  });

  it('takes no more bytes than it may, but one request of any size', async () => {
    const queue = dispatcher(1, 100, 9);
    queue.dispatch(iq('ann', '1'));
    queue.dispatch(iq('bob', '2'));
    await turn();
    assert.equal(queue.stats().refused, 1);
    handlers.releases[0]?.();
    await queue.drain();
    assert.equal(queue.stats().answered, 1);
  });

  it('answers every request of a batch whose worker died, and goes on', async () => {
    const queue = dispatcher(1, 100);
    queue.dispatch(iq('ann', '1'));
    queue.dispatch(iq('ann', '2'));
    await turn();
    handlers.releases[0]?.(new Error('worker gone'));
    await turn();
    handlers.releases[1]?.();
    await queue.drain();
    assert.match(sink.sent[0] ?? '', /id="1".*<internal-server-error/u);
    assert.equal(sink.sent[1], 'old 2');
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? '', /worker gone/u);
    assert.equal(queue.stats().failed, 1);
  });

  it('waits for room in the engine, and loses nothing', async () => {
    const queue = dispatcher(1, 100);
    sink.full = true;
    queue.dispatch(iq('ann', '1'));
    await turn();
    handlers.releases[0]?.();
    await turn();
    assert.deepEqual(sink.sent, []);
    sink.full = false;
    await queue.drain();
    assert.deepEqual(sink.sent, ['old 1']);
  });

  it('swaps: new events to the new version, the old one ends with its last answer', async () => {
    const queue = dispatcher(2, 100);
    const next = new HeldHandlers('new');
    queue.dispatch(iq('ann', '1'));
    await turn();
    const swapped = queue.swap(next);
    queue.dispatch(iq('ann', '2'));
    await turn();
    assert.equal(handlers.closed, false);
    handlers.releases[0]?.();
    await swapped;
    assert.equal(handlers.closed, true);
    await turn();
    next.releases[0]?.();
    await queue.drain();
    assert.deepEqual(sink.sent, ['old 1', 'new 2']);
  });
});
