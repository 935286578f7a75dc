// What the dashboard makes of views: the sentence at the top, and a past with holes.

import assert from 'node:assert/strict';
import { healthOf } from '../../src/dashboard/model/health.js';
import { History } from '../../src/dashboard/model/history.js';
import { Troubles } from '../../src/dashboard/model/troubles.js';
import type { AlarmState } from '../../src/operations/alarms/alarm.js';
import { type ServerView, serverView } from '../../src/operations/view/server-view.js';
import { sampleAt } from '../operations/support/samples.js';

const AT = 1_700_000_000_000;

function viewAt(seconds: number, changes: Partial<ServerView> = {}): ServerView {
  const view = serverView({ ...sampleAt(AT + seconds * 1000), alarms: [] }, undefined);
  const at = AT + seconds * 1000;
  return { ...view, alarms: [], shards: [], queues: [], stores: [], at, ...changes };
}

function alarm(id: number, changes: Partial<AlarmState>): AlarmState {
  const words = { rule: 'disk', subject: 'data', severity: 'warning', unit: 'percent' } as const;
  const figures = { value: 1, threshold: 2, raisedAt: AT, clearedAt: 0, acknowledgedAt: 0 };
  return { id, message: `alarm ${id}`, acknowledgedBy: '', ...words, ...figures, ...changes };
}

describe('dashboard: what it makes of views', () => {
  it('says the worst alarm, before it the one that nobody sees to', () => {
    const alarms = [
      alarm(1, {}),
      alarm(2, { severity: 'critical', acknowledgedBy: 'eve' }),
      alarm(3, { severity: 'critical' }),
    ];
    const { level, sentence } = healthOf(viewAt(0, { alarms }), []);
    assert.deepEqual([level, sentence], ['bad', 'alarm 3']);
  });

  it('speaks of what has lasted two seconds, and a while longer', () => {
    const store = { id: 0, commits: 1, records: 1, commitP99Us: 1, fsyncP99Us: 1 };
    const slow = { stores: [{ ...store, level: 'bad' as const }] };
    const troubles = new Troubles();
    const sentence = (view: ServerView): string => healthOf(view, troubles.take(view)).sentence;
    assert.equal(sentence(viewAt(0, slow)), 'All is well.');
    assert.equal(sentence(viewAt(1, slow)), 'All is well.');
    assert.equal(sentence(viewAt(2, slow)), 'Store 0 commits slowly.');
    assert.equal(sentence(viewAt(4)), 'Store 0 commits slowly.');
    assert.equal(sentence(viewAt(6)), 'All is well.');
  });

  it('keeps ten minutes, with a hole where seconds are missing, which the server may fill', () => {
    const point = (seconds: number) => viewAt(seconds).point;
    const history = new History();
    for (const seconds of [0, 1, 1, 2, 10, 11]) history.add(point(seconds));
    const shape = (): string =>
      history
        .last(60_000, history.newest)
        .map((moment) => (moment.point === undefined ? '.' : 'x'))
        .join('');
    assert.equal(shape(), 'xxx.xx');
    history.fill([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(point));
    assert.equal(shape(), 'x'.repeat(12));
    for (let seconds = 12; seconds < 700; seconds++) history.add(point(seconds));
    assert.equal(history.last(3_600_000, history.newest).length, 600);
  });
});
