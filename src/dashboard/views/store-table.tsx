// The threads that write to disk.

import type { AlarmState } from '../../operations/alarms/alarm.js';
import type { StoreRow } from '../../operations/view/store-rows.js';
import { count } from '../../operations/view/words.js';
import { alarmOf, worse } from '../model/health.js';
import { duration } from '../model/words.js';
import { AlarmBadge } from './alarm-badge.js';
import { SpokenMark } from './icons.js';
import { Section } from './section.js';

function Row({ row, alarms }: { row: StoreRow; alarms: readonly AlarmState[] }) {
  const { id, commits, records, commitP99Us, fsyncP99Us } = row;
  const subject = `store-${id}`;
  const level = worse(row.level, alarmOf(alarms, subject));
  return (
    <tr class={level}>
      <th scope="row">
        <SpokenMark level={level} /> {id} <AlarmBadge alarms={alarms} subject={subject} />
      </th>
      <td class="number">{count(Math.round(commits))}</td>
      <td class="number wide">{count(Math.round(records))}</td>
      <td class="number">{duration(commitP99Us)}</td>
      <td class="number wide">{duration(fsyncP99Us)}</td>
    </tr>
  );
}

interface Props {
  rows: readonly StoreRow[];
  alarms: readonly AlarmState[];
}

export function StoreTable({ rows, alarms }: Props) {
  return (
    <Section id="stores" title="Stores">
      <table>
        <caption class="spoken">Stores</caption>
        <thead>
          <tr>
            <th scope="col">store</th>
            <th scope="col" class="number">
              commits/s
            </th>
            <th scope="col" class="number wide">
              records/s
            </th>
            <th scope="col" class="number">
              commit p99
            </th>
            <th scope="col" class="number wide">
              fsync p99
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.id} row={row} alarms={alarms} />
          ))}
        </tbody>
      </table>
    </Section>
  );
}
