// That an alarm is raised about the thing in this row.

import type { AlarmState } from '../../operations/alarms/alarm.js';
import { alarmOf } from '../model/health.js';

export function AlarmBadge(props: { alarms: readonly AlarmState[]; subject: string }) {
  const { alarms, subject } = props;
  const alarm = alarmOf(alarms, subject);
  if (alarm === undefined) return null;
  return (
    <span class={`badge ${alarm.severity}`} title={alarm.message}>
      {alarm.severity}
    </span>
  );
}
