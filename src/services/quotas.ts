// How often somebody may do something: a few times at once, then at an even rate. One number is
// kept for each subject: the time at which it would have its whole allowance again (this is the
// generic cell rate algorithm). Kept in the store, so that a restart forgives nobody.

import type { Store, Table } from './store.js';
import { Sweeper } from './sweeper.js';

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** `count` times in `periodMs`. */
export interface Rate {
  readonly count: number;
  readonly periodMs: number;
}

/** So many times an hour. */
export function perHour(count: number): Rate {
  return { count, periodMs: HOUR_MS };
}

/** So many times a day. */
export function perDay(count: number): Rate {
  return { count, periodMs: DAY_MS };
}

/** What is limited, and for whom; the subject is a hash, so that the table tells nothing. */
export interface Quota {
  readonly kind: string;
  readonly subject: string;
  readonly rate: Rate;
}

interface Allowance {
  readonly kind: string;
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly wholeAt: number;
}

/** The table of allowances. `take` and `sweep` belong into a transaction. */
export class Quotas {
  private readonly table: Table<Allowance>;
  private readonly sweeper: Sweeper<Allowance>;

  constructor(store: Store) {
    this.table = store.table('quotas');
    this.sweeper = new Sweeper(
      this.table,
      ({ kind, subject }) => [kind, subject],
      ({ wholeAt }, now) => wholeAt <= now,
    );
  }

  /**
   * How long until it is allowed `times` more, in milliseconds; 0: now. More than the whole
   * allowance is never allowed.
   */
  waitMs({ kind, subject, rate }: Quota, now: number, times = 1): number {
    const wholeAt = this.table.get(kind, subject)?.wholeAt ?? 0;
    return Math.max(0, wholeAt + (times * rate.periodMs) / rate.count - rate.periodMs - now);
  }

  /** Counts one, or so many. */
  take({ kind, subject, rate }: Quota, now: number, times = 1): void {
    const wholeAt = Math.max(now, this.table.get(kind, subject)?.wholeAt ?? 0);
    const next = { kind, subject, wholeAt: wholeAt + (times * rate.periodMs) / rate.count };
    this.table.put(next, kind, subject);
  }

  /** Removes some of what no longer says anything. */
  sweep(now: number): number {
    return this.sweeper.sweep(now);
  }
}
