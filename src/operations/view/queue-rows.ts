// The queues of a server, the one that is the nearest to its limit first.

import type { QueueFigures } from '../../engine/engine-stats.js';
import { type Interval, percentile, rate } from './interval.js';
import { LEVEL_WEIGHT, type Level } from './level.js';

const US_PER_SECOND = 1e6;

export interface QueueRow {
  readonly name: string;
  readonly depth: number;
  readonly limit: number;
  readonly highWater: number;
  /** Each second. */
  readonly refused: number;
  readonly waitP99Us: number;
  readonly level: Level;
}

function levelOf(fill: number, refused: number): Level {
  if (refused > 0 || fill >= 0.9) return 'bad';
  return fill >= 0.5 ? 'busy' : 'well';
}

const fillOf = ({ depth, limit }: { readonly depth: number; readonly limit: number }): number =>
  depth / Math.max(1, limit);

/** Of what is not taken no wait has been counted: it waits at least since the sample before. */
function waitOf(now: QueueFigures, before: QueueFigures | undefined, seconds: number): number {
  const counted = percentile(now.wait_us, before?.wait_us, 0.99);
  const isStuck =
    before !== undefined && before.depth > 0 && now.depth > 0 && now.popped === before.popped;
  return isStuck ? Math.max(counted, Math.round(seconds * US_PER_SECOND)) : counted;
}

function engineRows({ now, before, seconds }: Interval): QueueRow[] {
  const old = new Map(before?.engine.queues.map((queue) => [queue.name, queue]));
  return now.engine.queues.map((queue) => {
    const refused = rate(queue.refused, old.get(queue.name)?.refused, seconds);
    return {
      name: queue.name,
      depth: queue.depth,
      limit: queue.limit,
      highWater: queue.high_water,
      refused,
      waitP99Us: waitOf(queue, old.get(queue.name), seconds),
      level: levelOf(fillOf(queue), refused),
    };
  });
}

function controlRows({ now, before, seconds }: Interval): QueueRow[] {
  const old = new Map(before?.control.queues.map((queue) => [queue.name, queue]));
  return now.control.queues.map(({ name, depth, limit, refused: total }) => {
    const refused = rate(total, old.get(name)?.refused, seconds);
    const level = levelOf(fillOf({ depth, limit }), refused);
    return { name, depth, limit, highWater: 0, refused, waitP99Us: 0, level };
  });
}

export function queueRows(interval: Interval): QueueRow[] {
  return [...engineRows(interval), ...controlRows(interval)].sort(
    (one, other) =>
      LEVEL_WEIGHT[other.level] - LEVEL_WEIGHT[one.level] ||
      fillOf(other) - fillOf(one) ||
      other.waitP99Us - one.waitP99Us,
  );
}
