// The views of a server as they come: a point each second, kept for ten minutes, and the whole view
// for who watches, made and written as JSON once however many they are, and not at all for nobody.

import { INTERVAL_MS, type Sampler } from './sampler.js';
import { intervalOf } from './view/interval.js';
import { viewOf } from './view/server-view.js';
import { type Measured, measure, pointOf, type ViewPoint } from './view/view-point.js';

const KEPT_MS = 600_000;

/** The points that are kept, oldest first. */
export interface ViewHistory {
  readonly intervalMs: number;
  readonly points: readonly ViewPoint[];
}

/** Gets the JSON of each view. */
export type TakeView = (json: string) => void;

export class Views {
  private readonly points: ViewPoint[] = [];
  private readonly watchers = new Set<TakeView>();
  private latest: Measured | undefined;
  private json = '';

  constructor(sampler: Sampler) {
    sampler.on('sample', (sample, before) => {
      this.latest = measure(intervalOf(sample, before));
      this.json = '';
      this.keep(pointOf(this.latest));
      if (this.watchers.size === 0) return;
      const json = this.latestJson();
      for (const take of this.watchers) take(json);
    });
  }

  history(): ViewHistory {
    return { intervalMs: INTERVAL_MS, points: this.points };
  }

  /** Gives the newest view at once and the others as they come; returns how that is stopped. */
  watch(take: TakeView): () => void {
    this.watchers.add(take);
    if (this.latest !== undefined) take(this.latestJson());
    return () => void this.watchers.delete(take);
  }

  private latestJson(): string {
    if (this.json === '' && this.latest !== undefined) {
      this.json = JSON.stringify(viewOf(this.latest));
    }
    return this.json;
  }

  private keep(point: ViewPoint): void {
    this.points.push(point);
    if (this.points.length > KEPT_MS / INTERVAL_MS) this.points.shift();
  }
}
