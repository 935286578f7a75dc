// What is known of a raised alarm, what to do about it, and the button that tells the others that
// somebody sees to it.

import { useEffect, useState } from 'preact/hooks';
import type { AlarmState } from '../../operations/alarms/alarm.js';
import type { AlarmRules } from '../api/answers.js';
import { act, obstacle, pending } from '../model/acting.js';
import { query } from '../model/session.js';
import { complain } from '../model/toasts.js';
import { clockTime, inUnit, since } from '../model/words.js';
import { MarkedText } from './marked-text.js';

export type Rule = AlarmRules['rules'][number];

/** What is advised, by rule; asked for when there is an alarm for the first time. */
export function useRules(isWanted: boolean): ReadonlyMap<string, Rule> {
  const [rules, setRules] = useState<ReadonlyMap<string, Rule>>(new Map());
  const isMissing = isWanted && rules.size === 0;
  useEffect(() => {
    if (!isMissing) return;
    query<AlarmRules>('api/v1/alarm/rules')
      .then((found) => setRules(new Map(found.rules.map((rule) => [rule.name, rule]))))
      .catch(complain);
  }, [isMissing]);
  return rules;
}

export function AcknowledgeButton({ alarm }: { alarm: AlarmState }) {
  if (alarm.acknowledgedBy !== '') {
    return <p class="acknowledge seen">{alarm.acknowledgedBy} sees to it</p>;
  }
  const why = obstacle('alarmAcknowledge');
  return (
    <button
      type="button"
      class="acknowledge small"
      disabled={why !== undefined || pending.value.has('alarmAcknowledge')}
      title={why}
      aria-label={`Acknowledge: ${alarm.message}`}
      onClick={() => act('alarmAcknowledge', { id: alarm.id }, 'Acknowledge')}
    >
      Acknowledge
    </button>
  );
}

export function AlarmFacts(props: { alarm: AlarmState; now: number; rule: Rule | undefined }) {
  const { alarm, now, rule } = props;
  const { severity, value, threshold, unit, raisedAt } = alarm;
  return (
    <>
      <p class="facts">
        <b class="severity">{severity}</b> for{' '}
        <time title={clockTime(raisedAt, now)}>{since(alarm, now)}</time>; at worst{' '}
        {inUnit(value, unit)}, raised {rule?.isFloor === true ? 'below' : 'from'}{' '}
        {inUnit(threshold, unit)}
      </p>
      {rule === undefined ? undefined : (
        <details>
          <summary>What to do</summary>
          <p>
            <MarkedText text={rule.advice} />
          </p>
        </details>
      )}
    </>
  );
}
