// The shards, the slow one first: a mark, a reason, and two minutes of each as a strip.

import { useState } from 'preact/hooks';
import type { AlarmState } from '../../operations/alarms/alarm.js';
import { LEVEL_WEIGHT } from '../../operations/view/level.js';
import type { ShardRow } from '../../operations/view/shard-rows.js';
import { count, percent } from '../../operations/view/words.js';
import { HeatStrip } from '../charts/heat-strip.js';
import { alarmOf, worse } from '../model/health.js';
import { duration } from '../model/words.js';
import { AlarmBadge } from './alarm-badge.js';
import { Bar } from './bar.js';
import { SpokenMark } from './icons.js';
import { Section } from './section.js';

const FEW = 12;

function Row({ row, alarms }: { row: ShardRow; alarms: readonly AlarmState[] }) {
  const { id, why, cpuPercent } = row;
  const level = worse(row.level, alarmOf(alarms, `shard-${id}`));
  return (
    <tr class={level} data-shard={id}>
      <th scope="row">
        <SpokenMark level={level} /> {id}
      </th>
      <td class="strip">
        <HeatStrip id={id} />
        {why === '' ? undefined : <b class="why">{why}</b>}
        <AlarmBadge alarms={alarms} subject={`shard-${id}`} />
      </td>
      <td class="number turn">{duration(row.turnP99Us)}</td>
      <td class="number turn">{duration(row.waitP99Us)}</td>
      <td class="meter">
        <Bar share={cpuPercent / 100} level={level} /> {percent(cpuPercent)}
      </td>
      <td class="number wide">{count(row.connections)}</td>
      <td class="number wide">{count(Math.round(row.messagesIn))}</td>
      <td class="number wide">{count(Math.round(row.messagesOut))}</td>
      <td class="number wide">{duration(row.handoverP99Us)}</td>
    </tr>
  );
}

/** Of many shards, each as a square. */
function Cells({ rows }: { rows: readonly ShardRow[] }) {
  return (
    <ul class="cells" aria-label="All shards">
      {rows.map(({ id, level, cpuPercent, why }) => (
        <li key={id} class={level} title={`shard ${id}: ${why || percent(cpuPercent)}`}>
          <SpokenMark level={level} /> {id}
        </li>
      ))}
    </ul>
  );
}

interface Props {
  rows: readonly ShardRow[];
  alarms: readonly AlarmState[];
}

export function ShardTable({ rows, alarms }: Props) {
  const [isWhole, setWhole] = useState(false);
  const sorted = [...rows].sort(
    (one, other) =>
      LEVEL_WEIGHT[other.level] - LEVEL_WEIGHT[one.level] ||
      (one.level === 'bad' ? other.waitP99Us - one.waitP99Us : 0) ||
      one.id - other.id,
  );
  const left = sorted.length - FEW;
  return (
    <Section
      id="shards"
      title="Shards"
      aside={<p class="faint">turns of their loops, two minutes</p>}
    >
      {left > 0 ? <Cells rows={rows} /> : undefined}
      <table>
        <caption class="spoken">Shards, those that are not well first</caption>
        <thead>
          <tr>
            <th scope="col">
              <span class="spoken">Shard</span>
            </th>
            <th scope="col" class="strip">
              <span class="ends">
                <span>2 min ago</span>
                <span>now</span>
              </span>
            </th>
            <th scope="col" class="number">
              turn p99
            </th>
            <th scope="col" class="number">
              wait p99
            </th>
            <th scope="col">CPU</th>
            <th scope="col" class="number wide">
              conns
            </th>
            <th scope="col" class="number wide">
              in/s
            </th>
            <th scope="col" class="number wide">
              out/s
            </th>
            <th scope="col" class="number wide">
              hand-over p99
            </th>
          </tr>
        </thead>
        <tbody>
          {(isWhole ? sorted : sorted.slice(0, FEW)).map((row) => (
            <Row key={row.id} row={row} alarms={alarms} />
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
