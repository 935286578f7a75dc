// The stores of a server: how much they commit, and how long that takes.

import { type Interval, percentile, rate } from './interval.js';
import type { Level } from './level.js';

export interface StoreRow {
  readonly id: number;
  /** Each second. */
  readonly commits: number;
  /** Each second. */
  readonly records: number;
  readonly commitP99Us: number;
  readonly fsyncP99Us: number;
  readonly level: Level;
}

const SLOW_COMMIT_US = 50_000;
const BAD_COMMIT_US = 250_000;

function levelOf(commitP99Us: number): Level {
  if (commitP99Us >= BAD_COMMIT_US) return 'bad';
  return commitP99Us >= SLOW_COMMIT_US ? 'busy' : 'well';
}

export function storeRows({ now, before, seconds }: Interval): StoreRow[] {
  return now.engine.stores.map((store, index) => {
    const old = before?.engine.stores[index];
    const commitP99Us = percentile(store.commit_us, old?.commit_us, 0.99);
    return {
      id: store.id,
      commits: rate(store.commits, old?.commits, seconds),
      records: rate(store.records, old?.records, seconds),
      commitP99Us,
      fsyncP99Us: percentile(store.fsync_us, old?.fsync_us, 0.99),
      level: levelOf(commitP99Us),
    };
  });
}
