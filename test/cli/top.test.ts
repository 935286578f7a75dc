// What `rookery top` makes of samples: rates, a restart between two of them, the slow shard, the
// full queue; and how that looks in both views, at several sizes.

import assert from 'node:assert/strict';
import type { HistogramFigures } from '../../src/base/histogram.js';
import { plainHeader, plainLine } from '../../src/cli/top/plain.js';
import { PAGES, type ScreenState, screen } from '../../src/cli/top/screen.js';
import type { AlarmState } from '../../src/operations/alarms/alarm.js';
import type { Sample } from '../../src/operations/sample.js';
import { serverView } from '../../src/operations/view/server-view.js';
import { count, span } from '../../src/operations/view/words.js';
import { sampleAt } from '../operations/support/samples.js';

const AT = Date.UTC(2026, 10, 24, 12, 0, 0);
const turns = (us: number): HistogramFigures => ({
  count: 100,
  sum: 100 * us,
  buckets: [[us, 100]],
});
const state: ScreenState = {
  width: 100,
  height: 30,
  page: 'all',
  paused: false,
  notice: '',
  backlogs: [],
};

/** A healthy sample of so many shards, with the turns of each. */
function withTurns(at: number, ...lengths: number[]): Sample {
  const base = sampleAt(at);
  const [first] = base.engine.shards;
  assert.ok(first);
  const shards = lengths.map((us, id) => ({
    ...first,
    id,
    histograms: { ...first.histograms, loop_us: turns(us) },
  }));
  return { ...base, alarms: [], engine: { ...base.engine, shards } } as Sample;
}

function withCounters(at: number, pid: number, counters: Record<string, number>): Sample {
  const base = withTurns(at, 100, 100);
  return {
    ...base,
    server: { ...base.server, pid, uptimeSeconds: 10 },
    engine: { ...base.engine, counters },
  };
}

describe('top: what it makes of samples', () => {
  it('rates are growth by time', () => {
    const before = withCounters(AT, 7, { messages_in: 1000, logins: 5 });
    const view = serverView(withCounters(AT + 2000, 7, { messages_in: 3000, logins: 6 }), before);
    assert.equal(view.rates.messagesIn, 1000);
    assert.equal(view.rates.logins, 0.5);
  });

  it('a server that was started anew has no negative rates', () => {
    const before = withCounters(AT, 7, { messages_in: 1_000_000 });
    const view = serverView(withCounters(AT + 1000, 8, { messages_in: 50 }), before);
    assert.equal(view.rates.messagesIn, 5, 'of its ten seconds');
  });

  it('the shard that is slower than the others is bad, and they are not', () => {
    const view = serverView(withTurns(AT, 300, 350, 9000, 320), undefined);
    assert.deepEqual(
      view.shards.map(({ level }) => level),
      ['well', 'well', 'bad', 'well'],
    );
    assert.equal(view.shards[2]?.why, 'slower than the others');
  });

  it('short turns are nobody’s trouble, long ones are everybody’s', () => {
    const short = serverView(withTurns(AT, 20, 20, 900, 20), undefined);
    assert.ok(short.shards.every(({ level }) => level === 'well'));
    const long = serverView(withTurns(AT, 60_000, 60_000), undefined);
    assert.ok(long.shards.every(({ level }) => level === 'bad'));
  });

  it('a shard that does not run at all is the slow one, though its turns are short', () => {
    const base = withTurns(AT, 100, 100);
    const ring = (from: number, to: number, depth: number) => ({
      name: `shard-${from}-to-shard-${to}-requests`,
      unit: 'bytes',
      limit: 1000,
      depth,
      high_water: depth,
      pushed: depth,
      popped: 7,
      refused: 0,
      wait_us: turns(100),
    });
    const queues = [ring(0, 1, 300), ring(1, 0, 0)];
    const before = { ...base, engine: { ...base.engine, queues } };
    const view = serverView({ ...before, at: before.at + 1000 }, before);
    assert.deepEqual(
      view.shards.map(({ level, why }) => [level, why]),
      [
        ['well', ''],
        ['bad', 'lets the others wait'],
      ],
    );
    assert.equal(view.shards[1]?.waitP99Us, 1_000_000);
  });

  it('a queue that refuses stands before one that is fuller', () => {
    const base = withTurns(AT, 100, 100);
    const queue = (name: string, depth: number, refused: number) => ({
      name,
      unit: 'items',
      limit: 100,
      depth,
      high_water: depth,
      pushed: 0,
      popped: 0,
      refused,
      wait_us: turns(100),
    });
    const queues = [queue('calm', 10, 0), queue('fuller', 60, 0), queue('refuses', 5, 3)];
    const now = { ...base, engine: { ...base.engine, queues } };
    const view = serverView(now, undefined);
    const engine = view.queues.filter(({ name }) => ['calm', 'fuller', 'refuses'].includes(name));
    assert.deepEqual(
      engine.map(({ name, level }) => [name, level]),
      [
        ['refuses', 'bad'],
        ['fuller', 'busy'],
        ['calm', 'well'],
      ],
    );
  });
});

describe('top: the screen', () => {
  it('fills every size exactly and passes none', () => {
    const view = serverView(withTurns(AT, ...Array.from({ length: 40 }, () => 300)), undefined);
    for (const [width, height] of [
      [80, 24],
      [40, 10],
      [200, 60],
    ] as const) {
      for (const page of PAGES) {
        const lines = screen(view, { ...state, width, height, page }, false);
        assert.equal(lines.length, height, `${page} ${width}×${height}`);
        for (const line of lines) assert.ok([...line].length <= width, `${page}: ${line}`);
      }
    }
  });

  it('puts the slow shard first, with a mark and a reason, though there are forty', () => {
    const lengths = Array.from({ length: 40 }, (_, id) => (id === 33 ? 80_000 : 300));
    const lines = screen(serverView(withTurns(AT, ...lengths), undefined), state, false);
    const header = lines.findIndex((line) => /shard +CPU/u.test(line));
    assert.match(lines[header + 1] ?? '', /^✖ 33 .*80\.0 ms.*turns take long$/u);
    assert.ok(lines.some((line) => /… \d+ more/u.test(line)));
  });

  it('says the worst alarm in a sentence and how many more there are', () => {
    const alarm = (severity: AlarmState['severity'], message: string): AlarmState => ({
      id: 1,
      rule: 'queue',
      subject: '',
      severity,
      message,
      value: 1,
      unit: 'percent',
      threshold: 1,
      raisedAt: AT,
      clearedAt: 0,
      acknowledgedBy: '',
      acknowledgedAt: 0,
    });
    const now = {
      ...withTurns(AT, 100),
      alarms: [alarm('warning', 'less'), alarm('critical', 'the disk is full')],
    };
    const [, health] = screen(serverView(now, undefined), state, false);
    assert.equal(health, '✖ critical: the disk is full  (and 1 more)');
    const [, well] = screen(serverView(withTurns(AT, 100), undefined), state, false);
    assert.match(well ?? '', /^● well/u);
  });

  it('colours only what is asked to be coloured', () => {
    const view = serverView(withTurns(AT, 300, 90_000), undefined);
    assert.ok(screen(view, state, false).every((line) => !line.includes('\u001b')));
    const coloured = screen(view, state, true).find((line) => line.includes('✖'));
    assert.ok(coloured?.includes('\u001b[31m'));
  });
});

describe('top: plain lines', () => {
  it('stand under their header, and name the slow shard', () => {
    const line = plainLine(serverView(withTurns(AT, 300, 90_000), undefined));
    assert.match(line, /^12:00:00 /u);
    assert.match(line, /90\.0 ms !shard 1/u);
    const calm = plainLine(serverView(withTurns(AT, 300, 300), undefined));
    assert.equal(calm.length, plainHeader().length);
  });

  it('figures are short', () => {
    assert.deepEqual([0, 0.5, 9999, 12_345, 1_234_567].map(count), [
      '0',
      '0.5',
      '9,999',
      '12.3k',
      '1.2M',
    ]);
    assert.deepEqual([0, 850, 12_340, 250_000, 2_500_000].map(span), [
      '-',
      '850 µs',
      '12.3 ms',
      '250 ms',
      '2.5 s',
    ]);
  });
});
