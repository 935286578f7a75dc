// The queues, the fullest first, with the alarms that concern them.

import { useState } from 'preact/hooks';
import type { AlarmState } from '../../operations/alarms/alarm.js';
import type { QueueRow } from '../../operations/view/queue-rows.js';
import { count } from '../../operations/view/words.js';
import { alarmOf, worse } from '../model/health.js';
import { duration } from '../model/words.js';
import { AlarmBadge } from './alarm-badge.js';
import { Bar } from './bar.js';
import { SpokenMark } from './icons.js';
import { Section } from './section.js';

const FEW = 8;

function Row({ row, alarms }: { row: QueueRow; alarms: readonly AlarmState[] }) {
  const { name, depth, limit, highWater, refused, waitP99Us } = row;
  const level = worse(row.level, alarmOf(alarms, name));
  const highest = highWater > 0 ? `highest ${count(highWater)}` : '';
  return (
    <tr class={level}>
      <th scope="row">
        {level === 'well' ? undefined : <SpokenMark level={level} />}
        {name} <AlarmBadge alarms={alarms} subject={name} />
      </th>
      <td class="meter" title={highest}>
        <Bar share={depth / Math.max(1, limit)} level={level} />
        <span>
          {count(depth)} <span class="faint">of {count(limit)}</span>
        </span>
      </td>
      <td class="number wide">{highWater > 0 ? count(highWater) : '–'}</td>
      <td class={`number ${refused > 0 ? 'hot' : ''}`}>{count(refused)}</td>
      <td class="number">{duration(waitP99Us)}</td>
    </tr>
  );
}

interface Props {
  rows: readonly QueueRow[];
  alarms: readonly AlarmState[];
}

export function QueueTable({ rows, alarms }: Props) {
  const [isWhole, setWhole] = useState(false);
  const left = rows.length - FEW;
  return (
    <Section id="queues" title="Queues" aside={<p class="faint">the fullest first</p>}>
      <table>
        <caption class="spoken">Queues, the fullest first</caption>
        <thead>
          <tr>
            <th scope="col">queue</th>
            <th scope="col">depth</th>
            <th scope="col" class="number wide">
              highest
            </th>
            <th scope="col" class="number">
              refused/s
            </th>
            <th scope="col" class="number">
              wait p99
            </th>
          </tr>
        </thead>
        <tbody>
          {(isWhole ? rows : rows.slice(0, FEW)).map((row) => (
            <Row key={row.name} row={row} alarms={alarms} />
          ))}
        </tbody>
      </table>
      {left > 0 ? (
        <button type="button" class="small quiet" onClick={() => setWhole(!isWhole)}>
          {isWhole ? 'Show fewer' : `Show ${left} more`}
        </button>
      ) : undefined}
    </Section>
  );
}
