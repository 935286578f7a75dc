// How long a number waits for its next PIN: twice as long each time, and longer still when somebody
// has guessed at PINs, until a registration succeeds or a day goes by without any.

import type { Config } from '../../config/schema.js';
import { DAY_MS } from '../quotas.js';
import type { Store, Table } from '../store.js';
import { Sweeper } from '../sweeper.js';

interface NumberDelay {
  /** Hash of the number. */
  readonly subject: string;
  readonly pins: number;
  readonly lockouts: number;
  /** Milliseconds since 1970, as all times here. */
  readonly allowedAt: number;
  readonly forgetAt: number;
}

function doubled(firstSeconds: number, times: number): number {
  return Math.min(firstSeconds * 1000 * 2 ** Math.min(times - 1, 30), DAY_MS);
}

/** The table of delays. Everything but `waitMs` belongs into a transaction. */
export class NumberDelays {
  private readonly table: Table<NumberDelay>;
  private readonly sweeper: Sweeper<NumberDelay>;

  constructor(
    store: Store,
    private readonly limits: Config['registration']['limits'],
  ) {
    this.table = store.table('number-delays');
    this.sweeper = new Sweeper(
      this.table,
      ({ subject }) => [subject],
      ({ forgetAt }, now) => forgetAt <= now,
    );
  }

  /** How long until the number may have a PIN; 0: now. */
  waitMs(subject: string, now: number): number {
    return Math.max(0, (this.current(subject, now)?.allowedAt ?? 0) - now);
  }

  /** A PIN goes out. */
  sent(subject: string, now: number): void {
    const { pins = 0, lockouts = 0 } = this.current(subject, now) ?? {};
    const allowedAt = now + doubled(this.limits.resendSeconds, pins + 1);
    this.save({ subject, pins: pins + 1, lockouts, allowedAt });
  }

  /** Every attempt of a registration was wrong. */
  guessedAt(subject: string, now: number): void {
    const current = this.current(subject, now);
    const lockouts = (current?.lockouts ?? 0) + 1;
    const until = now + doubled(this.limits.lockoutSeconds, lockouts);
    const allowedAt = Math.max(until, current?.allowedAt ?? 0);
    this.save({ subject, pins: current?.pins ?? 0, lockouts, allowedAt });
  }

  /** Whoever has the number has shown it. */
  proved(subject: string): void {
    this.table.remove(subject);
  }

  sweep(now: number): number {
    return this.sweeper.sweep(now);
  }

  private current(subject: string, now: number): NumberDelay | undefined {
    const found = this.table.get(subject);
    return found === undefined || found.forgetAt <= now ? undefined : found;
  }

  private save(delay: Omit<NumberDelay, 'forgetAt'>): void {
    this.table.put({ ...delay, forgetAt: delay.allowedAt + DAY_MS }, delay.subject);
  }
}
