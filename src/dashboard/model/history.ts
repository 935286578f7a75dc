// The last ten minutes, second by second. Where the server was away, or the page was not looking,
// stands a hole, so that no chart draws a line over what nobody knows.

import type { Level } from '../../operations/view/level.js';
import type { ViewPoint } from '../../operations/view/view-point.js';

export const KEPT_MS = 600_000;
/** Points come each second; one that is so late was missed. */
const HOLE_MS = 2600;

/** A point, or a hole. */
export interface Moment {
  readonly at: number;
  readonly point: ViewPoint | undefined;
  /** How each shard was judged, where that was seen. */
  readonly levels?: readonly Level[];
}

/** The newest points. */
export class History {
  private moments: Moment[] = [];

  get newest(): number {
    return this.moments.at(-1)?.at ?? 0;
  }

  /** Adds a point; one that is there, or older than the newest, changes nothing. */
  add(point: ViewPoint, levels?: readonly Level[]): void {
    const { newest } = this;
    if (point.at <= newest) return;
    if (newest > 0 && point.at - newest > HOLE_MS) {
      this.moments.push({ at: newest + 1, point: undefined });
    }
    this.moments.push({ at: point.at, point, ...(levels === undefined ? {} : { levels }) });
    const first = this.moments.findIndex(({ at }) => at > point.at - KEPT_MS);
    if (first > 0) this.moments.splice(0, first);
  }

  /** Fills in what the server remembers; it knows better than what was seen here. */
  fill(points: readonly ViewPoint[]): void {
    const [first] = points;
    if (first === undefined) return;
    const judged = new Map(this.moments.map(({ at, levels }) => [at, levels]));
    const earlier = this.moments.filter(({ at }) => at < first.at);
    this.moments = earlier.at(-1)?.point === undefined ? earlier.slice(0, -1) : earlier;
    for (const point of points) this.add(point, judged.get(point.at));
  }

  /** Those of the last so many milliseconds before `until`. */
  last(spanMs: number, until: number): Moment[] {
    const from = until - spanMs;
    // One more, so that lines begin at the edge and not after it.
    const first = this.moments.findIndex(({ at }) => at >= from);
    return first < 0 ? [] : this.moments.slice(Math.max(0, first - 1));
  }

  clear(): void {
    this.moments = [];
  }
}
