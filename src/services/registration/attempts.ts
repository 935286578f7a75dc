// How often somebody at an address may try a PIN or a linking code.

import { perHour, type Quota, Quotas } from '../quotas.js';
import { keyedHash } from '../sodium.js';
import type { Store } from '../store.js';

/** The attempts of all addresses. */
export class Attempts {
  private readonly quotas: Quotas;

  constructor(
    store: Store,
    private readonly secret: Buffer,
    private readonly countPerHour: number,
  ) {
    this.quotas = new Quotas(store);
  }

  /** Seconds until the address may try again; 0: now. */
  waitSeconds(address: string, now: number): number {
    return Math.ceil(this.quotas.waitMs(this.quota(address), now) / 1000);
  }

  /** Counts one. Belongs into a transaction. */
  take(address: string, now: number): void {
    this.quotas.take(this.quota(address), now);
  }

  private quota(address: string): Quota {
    const subject = keyedHash(this.secret, 'address', address).toString('base64url');
    return { kind: 'attempt', subject, rate: perHour(this.countPerHour) };
  }
}
