// The lines of a chart with their values: those under the pointer, or else the newest.

import { view } from '../model/live.js';
import { heldAt, pointedAt, shown } from '../model/span.js';
import type { ChartSpec, Line } from './catalogue.js';

/** So many fit beside a title; of more, those with the greatest values are shown. */
const MOST = 4;
const TONES = 8;

function valueAt(line: Line, at: number | undefined): number | undefined {
  const { moments } = shown.value;
  const moment =
    at === undefined ? moments.at(-1) : moments.find((each) => Math.abs(each.at - at) < 1);
  return moment?.point === undefined ? undefined : line.read(moment.point);
}

function isInTrouble(spec: ChartSpec, index: number): boolean {
  if (typeof spec.lines !== 'function' || heldAt.value !== undefined) return false;
  return view.value?.shards[index]?.level === 'bad';
}

export function Legend({ spec, lines }: { spec: ChartSpec; lines: readonly Line[] }) {
  const at = pointedAt.value;
  const rows = lines.map((line, index) => ({
    line,
    value: valueAt(line, at),
    strong: isInTrouble(spec, index),
  }));
  const sorted =
    rows.length <= MOST
      ? rows
      : [...rows].sort((one, other) => (other.value ?? 0) - (one.value ?? 0)).slice(0, MOST);
  const left = rows.length - sorted.length;
  return (
    <ul class="legend">
      {sorted.map(({ line, value, strong }) => (
        <li key={line.label} class={strong ? 'strong' : undefined}>
          <i
            class={`stroke tone-${line.tone % TONES}${line.dashed === true ? ' dashed' : ''}`}
            aria-hidden="true"
          />
          {line.short ?? line.label} <b>{value === undefined ? '–' : spec.write(value)}</b>
        </li>
      ))}
      {left > 0 ? <li class="faint">and {left} more</li> : undefined}
    </ul>
  );
}
