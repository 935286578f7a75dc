// A chart: its title, its lines with their values, and the drawing, which is touched only while it
// is seen.

import { effect, untracked } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { view } from '../model/live.js';
import { heldAt, pointedAt, shown } from '../model/span.js';
import { type ChartSpec, type Line, linesOf } from './catalogue.js';
import { colours } from './colours.js';
import { Legend } from './legend.js';
import { type ChartState, optionsOf, strengthen } from './options.js';
import { summaryOf } from './summary.js';

const HEIGHT = 168;

function dataOf(lines: readonly Line[]): uPlot.AlignedData {
  const { moments } = shown.value;
  const columns = lines.map(({ read }) =>
    moments.map(({ point }) => (point === undefined ? null : (read(point) ?? null))),
  );
  return [moments.map(({ at }) => at / 1000), ...columns];
}

/** Of charts with a line for each shard, the shards that are not well. */
function strongLines(spec: ChartSpec): ReadonlySet<number> {
  if (typeof spec.lines !== 'function' || heldAt.value !== undefined) return new Set();
  const bad = (view.value?.shards ?? []).filter(({ level }) => level === 'bad');
  return new Set(bad.map(({ id }) => id));
}

/** Whether anything at all would be drawn. */
function isEmpty(data: uPlot.AlignedData): boolean {
  return data.slice(1).every((column) => [...column].every((value) => value === null));
}

/** Draws into a box for as long as it stands; returns how that is ended. */
function draw(box: HTMLElement, spec: ChartSpec, lines: readonly Line[]): () => void {
  const first = colours.peek();
  if (first === undefined) return () => undefined;
  const { from, until } = shown.peek();
  const state: ChartState = { from, until, colours: first, strong: new Set() };
  const pointed = (at: number | undefined): void => {
    pointedAt.value = at;
  };
  const frame = { width: Math.max(1, box.clientWidth), height: HEIGHT, pointed };
  const chart = new uPlot(optionsOf(spec, lines, state, frame), dataOf(lines), box);
  let isSeen = false;
  const refresh = (): void => {
    const { from, until } = shown.value;
    const { value } = colours;
    const strong = strongLines(spec);
    if (!isSeen || value === undefined) return;
    const data = dataOf(lines);
    Object.assign(state, { from, until, colours: value, strong });
    strengthen(chart, state);
    chart.setData(data);
    box.classList.toggle('empty', isEmpty(data));
  };
  const stop = effect(refresh);
  const seen = new IntersectionObserver((entries) => {
    isSeen = entries.at(-1)?.isIntersecting ?? false;
    if (isSeen) untracked(refresh);
  });
  seen.observe(box);
  const sized = new ResizeObserver(() => {
    if (box.clientWidth > 0) chart.setSize({ width: box.clientWidth, height: HEIGHT });
  });
  sized.observe(box);
  return () => {
    stop();
    seen.disconnect();
    sized.disconnect();
    chart.destroy();
  };
}

export function Chart({ spec }: { spec: ChartSpec }) {
  const box = useRef<HTMLDivElement>(null);
  const shards = view.value?.shards.length ?? 0;
  const lines = useMemo(() => linesOf(spec, shards), [spec, shards]);
  useEffect(() => {
    const { current } = box;
    return current === null ? undefined : draw(current, spec, lines);
  }, [spec, lines]);
  return (
    <figure class="chart" id={`chart-${spec.id}`}>
      <figcaption>
        <h3>{spec.title}</h3>
        <Legend spec={spec} lines={lines} />
      </figcaption>
      <div class="plot" ref={box} role="img" aria-label={summaryOf(spec, lines)} />
      {spec.empty === undefined ? undefined : <p class="nothing">{spec.empty}</p>}
    </figure>
  );
}
