// How many numbers an account may look up: so many a day, and after the first batches of a day a
// pause that doubles with each. An address book passes at once; a walk through all numbers does
// not.

import { createHash } from 'node:crypto';
import { DAY_MS, perDay, type Quota, Quotas } from './quotas.js';
import type { Store, Table } from './store.js';

/** Batches of a day before pauses begin. */
export const FREE_BATCHES = 20;
const FIRST_PAUSE_MS = 10_000;
const MAX_PAUSE_MS = DAY_MS / 4;

/** Why a batch is refused, and when to try again. */
export interface DiscoveryRefusal {
  readonly why: 'day' | 'pause';
  readonly waitMs: number;
}

interface Pace {
  /** When the first of these batches came; milliseconds since 1970. */
  readonly since: number;
  readonly batches: number;
  readonly notBefore: number;
}

/** Allowances and pauses. `admit` and `clear` belong into a transaction. */
export class DiscoveryBudget {
  private readonly quotas: Quotas;
  private readonly paces: Table<Pace>;

  constructor(
    store: Store,
    private readonly numbersPerDay: number,
  ) {
    this.quotas = new Quotas(store);
    this.paces = store.table('discovery-paces');
  }

  /** Counts a batch of so many numbers, or says why not; what is refused does not count. */
  admit(user: string, numbers: number, now: number): DiscoveryRefusal | undefined {
    const known = this.paces.get(user);
    const pace =
      known === undefined || now - known.since >= DAY_MS
        ? { since: now, batches: 0, notBefore: 0 }
        : known;
    if (now < pace.notBefore) return { why: 'pause', waitMs: pace.notBefore - now };
    const quota = this.quota(user);
    const waitMs = this.quotas.waitMs(quota, now, numbers);
    if (waitMs > 0) return { why: 'day', waitMs };
    this.quotas.take(quota, now, numbers);
    const batches = pace.batches + 1;
    const pauses = batches - FREE_BATCHES;
    const pauseMs =
      pauses < 0 ? 0 : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(pauses, 30));
    this.paces.put({ since: pace.since, batches, notBefore: now + pauseMs }, user);
    return undefined;
  }

  /**
   * Forgets the pauses of an account that ends. Its allowance stays used, so that nobody gets
   * another by beginning anew.
   */
  clear(user: string): void {
    this.paces.remove(user);
  }

  private quota(user: string): Quota {
    const subject = createHash('sha256').update(user).digest('base64');
    return { kind: 'discovery', subject, rate: perDay(this.numbersPerDay) };
  }
}
