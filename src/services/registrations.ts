// How many accounts an address has made in this hour (XEP-0077). Kept in the store, because workers
// share nothing else.

import type { Store, Table } from './store.js';

const HOUR_MS = 3_600_000;
const MAX_SWEEP = 1000;

interface Registered {
  readonly hour: string;
  readonly address: string;
  readonly count: number;
}

/** The table. Both methods belong into a transaction. */
export class Registrations {
  private readonly table: Table<Registered>;

  constructor(store: Store) {
    this.table = store.table('registrations');
  }

  /** Counts one more, unless the address has had its share. */
  admit(address: string, limit: number, now = Date.now()): boolean {
    // Fixed width, so that hours sort as numbers do.
    const hour = String(Math.floor(now / HOUR_MS)).padStart(10, '0');
    this.sweep(hour);
    const count = this.table.get(hour, address)?.count ?? 0;
    if (count >= limit) return false;
    this.table.put({ hour, address, count: count + 1 }, hour, address);
    return true;
  }

  private sweep(hour: string): void {
    let swept = 0;
    const old: Registered[] = [];
    for (const record of this.table.values()) {
      if (record.hour >= hour || swept++ >= MAX_SWEEP) break;
      old.push(record);
    }
    for (const record of old) this.table.remove(record.hour, record.address);
  }
}
