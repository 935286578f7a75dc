// The views of a server: a point is kept for every second, the whole view is made only for who
// watches and once for all of them, and both say the same.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Sample } from '../../src/operations/sample.js';
import type { Sampler } from '../../src/operations/sampler.js';
import { serverView } from '../../src/operations/view/server-view.js';
import { Views } from '../../src/operations/views.js';
import { sampleAt } from './support/samples.js';

const AT = Date.UTC(2026, 10, 24, 12, 0, 0);

/** A second of the server; `looks` counts how often its queues, which no point needs, are read. */
function second(at: number, looks = { count: 0 }): Sample {
  const base = sampleAt(AT + 1000 * at, {
    engine: {
      counters: { messages_in: 100 * at, messages_delivered: 50.06 * at, bytes_in: 7 * at },
    },
  });
  const engine = {
    ...base.engine,
    get queues() {
      looks.count++;
      return base.engine.queues;
    },
  };
  return { ...base, engine, alarms: [] } as Sample;
}

describe('views of a server', () => {
  let sampler: Sampler;
  let views: Views;
  let last: Sample | undefined;

  const give = (sample: Sample): void => {
    sampler.emit('sample', sample, last);
    last = sample;
  };

  beforeEach(() => {
    sampler = new EventEmitter() as unknown as Sampler;
    views = new Views(sampler);
    last = undefined;
  });

  it('keep a point of each of the last six hundred seconds, the oldest first', () => {
    for (let at = 1; at <= 605; at++) give(second(at));
    const { intervalMs, points } = views.history();
    assert.deepEqual([intervalMs, points.length], [1000, 600]);
    assert.deepEqual([points[0]?.at, points.at(-1)?.at], [AT + 6000, AT + 605_000]);
    const { messagesIn, messagesOut, bytesIn, shards } = points[9] ?? assert.fail();
    assert.deepEqual([messagesIn, messagesOut, bytesIn, shards.length], [100, 50.1, 7, 2]);
  });

  it('are made once for all who watch, and for nobody not at all', () => {
    const looks = { count: 0 };
    give(second(1, looks));
    assert.equal(looks.count, 0);
    const seen: string[][] = [[], []];
    const stops = seen.map((list) => views.watch((json) => list.push(json)));
    assert.equal(looks.count, 1);
    give(second(2));
    stops[1]?.();
    give(second(3));
    assert.deepEqual([seen[0]?.length, seen[1]?.length], [3, 2]);
    assert.equal(seen[0]?.[1], seen[1]?.[1]);
    stops[0]?.();
    const unseen = { count: 0 };
    give(second(4, unseen));
    assert.equal(unseen.count, 0);
  });

  it('say the same as the points, and as what the command line makes of samples', () => {
    const seen: string[] = [];
    views.watch((json) => seen.push(json));
    give(second(1));
    give(second(2));
    const view = serverView(second(2), second(1));
    assert.deepEqual(JSON.parse(seen[1] ?? ''), JSON.parse(JSON.stringify(view)));
    assert.deepEqual(views.history().points[1], view.point);
  });
});
