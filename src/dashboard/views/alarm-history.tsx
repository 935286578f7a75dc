// The alarms that there were, the newest first.

import { useEffect, useState } from 'preact/hooks';
import type { AlarmState } from '../../operations/alarms/alarm.js';
import { shortSpan } from '../../operations/words.js';
import type { AlarmList } from '../api/answers.js';
import { view } from '../model/live.js';
import { query } from '../model/session.js';
import { complain } from '../model/toasts.js';
import { clockTime, inUnit } from '../model/words.js';
import { DrawerFrame } from './drawer-frame.js';
import { SpokenMark } from './icons.js';

const MOST = 100;

function Past({ alarm, now }: { alarm: AlarmState; now: number }) {
  const { severity, message, value, unit, raisedAt, clearedAt, acknowledgedBy } = alarm;
  const isRaised = clearedAt === 0;
  const end = isRaised
    ? 'still raised'
    : `for ${shortSpan((clearedAt - raisedAt) / 1000)}, until ${clockTime(clearedAt, now)}`;
  const level = severity === 'critical' ? 'bad' : 'busy';
  return (
    <li class={`past ${isRaised ? 'raised' : 'cleared'}`} data-alarm={alarm.id}>
      <SpokenMark level={level} />
      <div>
        <p>{message}</p>
        <p class="faint">
          {severity}, {clockTime(raisedAt, now)}, {end}; at worst {inUnit(value, unit)}
          {acknowledgedBy === '' ? '' : `; ${acknowledgedBy} saw to it`}
        </p>
      </div>
    </li>
  );
}

export function AlarmHistory() {
  const [alarms, setAlarms] = useState<readonly AlarmState[] | undefined>(undefined);
  const now = view.value?.at ?? Date.now();
  const raised = (view.value?.alarms ?? [])
    .map(({ id, severity, acknowledgedBy }) => `${id} ${severity} ${acknowledgedBy}`)
    .join();
  // Whenever something becomes of one.
  useEffect(() => {
    query<AlarmList>('api/v1/alarm/history', { input: { limit: MOST } })
      .then((found) => setAlarms(found.alarms))
      .catch(complain);
  }, [raised]);
  return (
    <DrawerFrame title="Alarms that there were">
      {alarms === undefined ? <p class="faint">Asking …</p> : undefined}
      {alarms?.length === 0 ? <p>There has been none.</p> : undefined}
      <ul class="alarm-history">
        {alarms?.map((alarm) => (
          <Past key={alarm.id} alarm={alarm} now={now} />
        ))}
      </ul>
    </DrawerFrame>
  );
}
