// The alarms that are raised, but for the worst, which stands in the banner.

import { useState } from 'preact/hooks';
import type { AlarmState } from '../../operations/alarms/alarm.js';
import { AcknowledgeButton, AlarmFacts, type Rule } from './alarm-facts.js';
import { SpokenMark } from './icons.js';

/** So many leave the figures in sight. */
const FEW = 6;

export function AlarmList(props: {
  alarms: readonly AlarmState[];
  now: number;
  rules: ReadonlyMap<string, Rule>;
}) {
  const { alarms, now, rules } = props;
  const [isWhole, setWhole] = useState(false);
  if (alarms.length === 0) return null;
  const left = alarms.length - FEW;
  const shown = isWhole ? alarms : alarms.slice(0, FEW);
  return (
    <section aria-labelledby="alarms-title">
      <h2 id="alarms-title" class="spoken">
        More alarms
      </h2>
      <ul class="alarms">
        {shown.map((alarm) => (
          <li key={alarm.id} class={`alarm ${alarm.severity}`} data-alarm={alarm.id}>
            <SpokenMark level={alarm.severity === 'critical' ? 'bad' : 'busy'} />
            <div>
              <p class="message">{alarm.message}</p>
              <AlarmFacts alarm={alarm} now={now} rule={rules.get(alarm.rule)} />
            </div>
            <AcknowledgeButton alarm={alarm} />
          </li>
        ))}
      </ul>
      {left > 0 ? (
        <button type="button" class="small quiet more" onClick={() => setWhole(!isWhole)}>
          {isWhole ? 'Show fewer alarms' : `Show ${left} more ${left === 1 ? 'alarm' : 'alarms'}`}
        </button>
      ) : undefined}
    </section>
  );
}
