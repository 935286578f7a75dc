// The last two minutes of a shard as a strip, a cell for each second: the longer its turns, the
// stronger the colour. Strips of all shards beneath each other show the slow one, and since when.

import { useEffect, useRef } from 'preact/hooks';
import type { Level } from '../../operations/view/level.js';
import { shardVerdict } from '../../operations/view/shard-rows.js';
import type { ShardPoint, ViewPoint } from '../../operations/view/view-point.js';
import { span } from '../../operations/view/words.js';
import { history, historyCount } from '../model/live.js';
import { type Colours, colours, faded } from './colours.js';

const CELLS = 120;
const SECOND_MS = 1000;
/** Turns of this length have no colour at all; it deepens up to the other. */
const SHORT_US = 100;
const LONG_US = 50_000;
const LEAST = 0.12;

function depthOf(us: number): number {
  const share = Math.log(Math.max(us, SHORT_US) / SHORT_US) / Math.log(LONG_US / SHORT_US);
  return LEAST + (1 - LEAST) * Math.min(1, share);
}

function judged(
  { turnP99Us, cpu: cpuPercent }: ShardPoint,
  { shards }: ViewPoint,
  id: number,
): Level {
  const others = shards.filter((_, other) => other !== id);
  return shardVerdict({ turnP99Us, cpuPercent }, others).level;
}

function colourOf(level: Level, turnP99Us: number, palette: Colours): string {
  if (level === 'bad') return palette.bad;
  return faded(level === 'busy' ? palette.busy : palette.well, depthOf(turnP99Us));
}

function paint(canvas: HTMLCanvasElement, id: number, palette: Colours): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.clearRect(0, 0, CELLS, 1);
  const { newest } = history;
  for (const { at, point, levels } of history.last(CELLS * SECOND_MS, newest)) {
    const shard = point?.shards[id];
    if (point === undefined || shard === undefined) continue;
    const level = levels?.[id] ?? judged(shard, point, id);
    context.fillStyle = colourOf(level, shard.turnP99Us, palette);
    context.fillRect(CELLS - 1 - Math.round((newest - at) / SECOND_MS), 0, 1, 1);
  }
}

function worst(id: number): number {
  const moments = history.last(CELLS * SECOND_MS, history.newest);
  return Math.max(0, ...moments.map(({ point }) => point?.shards[id]?.turnP99Us ?? 0));
}

export function HeatStrip({ id }: { id: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const seconds = historyCount.value;
  const palette = colours.value;
  // Each second there is a new cell.
  useEffect(() => {
    if (canvas.current !== null && palette !== undefined) paint(canvas.current, id, palette);
  }, [id, seconds, palette]);
  return (
    <canvas
      class="heat"
      ref={canvas}
      width={CELLS}
      height={1}
      role="img"
      aria-label={`Longest turns of the last two minutes: ${span(worst(id))}`}
    />
  );
}
