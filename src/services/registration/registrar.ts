// Registration by phone number: a PIN to the number, the PIN and a device's key back, and the
// number is the account. Nothing here looks whether the account exists before the PIN has been
// right, so there is nothing to be learned about other people's.

import type { Config } from '../../config/schema.js';
import type { Effect } from '../effects.js';
import { perDay, perHour, type Quota, Quotas } from '../quotas.js';
import type { Services } from '../services.js';
import { equalBytes, keyedHash, randomBelow, randomBytes } from '../sodium.js';
import type { Table } from '../store.js';
import { Sweeper } from '../sweeper.js';
import { Attempts } from './attempts.js';
import { type EnrolledDevice, endSessions, newDevice, type OfferedDevice } from './enrolment.js';
import { NumberDelays } from './number-delays.js';
import { localPartOf } from './phone-number.js';
import type { PinOutbox } from './pin-outbox.js';
import type { PinMessage } from './pin-sender.js';

const PIN_DIGITS = 6;
const ID_BYTES = 16;

interface PendingRegistration {
  readonly id: string;
  readonly number: string;
  readonly pinHash: Uint8Array;
  readonly attemptsLeft: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** A registration that waits for its PIN, or why there is none. */
export type BeginResult =
  | {
      readonly kind: 'begun';
      readonly id: string;
      readonly pin: string;
      readonly expiresInSeconds: number;
      readonly resendAfterSeconds: number;
    }
  | { readonly kind: 'limited'; readonly by: 'number' | 'address'; readonly seconds: number }
  | { readonly kind: 'busy' };

/** A new device of the number's account, or why there is none. */
export type VerifyResult =
  | { readonly kind: 'verified'; readonly enrolled: EnrolledDevice; readonly effects: Effect[] }
  | { readonly kind: 'wrong-pin'; readonly attemptsLeft: number }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'disabled' }
  | { readonly kind: 'limited'; readonly seconds: number };

export interface RegistrarParts {
  readonly services: Services;
  readonly secret: Buffer;
  readonly config: Config['registration'];
  readonly domain: string;
  readonly outbox: PinOutbox;
  readonly now?: () => number;
}

/** Registers numbers. */
export class Registrar {
  private readonly pending: Table<PendingRegistration>;
  private readonly sweeper: Sweeper<PendingRegistration>;
  private readonly quotas: Quotas;
  private readonly delays: NumberDelays;
  private readonly attempts: Attempts;
  private readonly now: () => number;

  constructor(private readonly parts: RegistrarParts) {
    const { store } = parts.services;
    this.pending = store.table('phone-registrations');
    this.sweeper = new Sweeper(
      this.pending,
      ({ id }) => [id],
      ({ expires }, now) => expires <= now,
    );
    this.quotas = new Quotas(store);
    const { limits } = parts.config;
    this.delays = new NumberDelays(store, limits);
    this.attempts = new Attempts(store, parts.secret, limits.verificationsPerAddressPerHour);
    this.now = parts.now ?? Date.now;
  }

  /** Sends a PIN to a number (E.164) for somebody at that address. */
  async begin(number: string, address: string): Promise<BeginResult> {
    const { services, outbox } = this.parts;
    const refused = this.beginRefusal(number, address);
    // Before a transaction is spent on it: a flood is refused by reading alone.
    if (refused !== undefined) return refused;
    if (!outbox.reserve()) return { kind: 'busy' };
    const id = randomBytes(ID_BYTES).toString('base64url');
    const pin = String(randomBelow(10 ** PIN_DIGITS)).padStart(PIN_DIGITS, '0');
    let begun = false;
    try {
      const result = await services.store.transaction(() => this.admit(id, number, pin, address));
      begun = result.kind === 'begun';
      return result;
    } finally {
      if (begun) outbox.add(this.message(number, pin));
      else outbox.release();
    }
  }

  /** Gives a device to the account of a registration's number, in place of those that it had. */
  async verify(
    id: string,
    pin: string,
    device: OfferedDevice,
    address: string,
  ): Promise<VerifyResult> {
    const { store } = this.parts.services;
    const refused = this.verifyRefusal(address);
    if (refused !== undefined) return refused;
    return await store.transaction((): VerifyResult => {
      const late = this.verifyRefusal(address);
      if (late !== undefined) return late;
      this.attempts.take(address, this.now());
      const pending = this.pending.get(id);
      if (pending === undefined || pending.expires <= this.now()) return { kind: 'unknown' };
      if (!equalBytes(this.pinHash(id, pin), pending.pinHash)) return this.wrongPin(pending);
      this.pending.remove(id);
      this.delays.proved(this.subject('number', pending.number));
      return this.enrol(localPartOf(pending.number), device);
    });
  }

  /** Removes some of what is over. */
  async sweep(): Promise<void> {
    await this.parts.services.store.transaction(() => {
      const now = this.now();
      this.sweeper.sweep(now);
      this.quotas.sweep(now);
      this.delays.sweep(now);
    });
  }

  /** Inside a transaction. */
  private admit(id: string, number: string, pin: string, address: string): BeginResult {
    const late = this.beginRefusal(number, address);
    if (late !== undefined) return late;
    const now = this.now();
    for (const quota of this.beginQuotas(number, address)) this.quotas.take(quota, now);
    this.delays.sent(this.subject('number', number), now);
    this.pending.put(this.newRegistration(id, number, pin, now), id);
    const resendAfterSeconds = Math.max(1, Math.ceil(this.numberWaitMs(number, now) / 1000));
    const expiresInSeconds = this.parts.config.limits.pinSeconds;
    return { kind: 'begun', id, pin, expiresInSeconds, resendAfterSeconds };
  }

  private message(number: string, pin: string): PinMessage {
    const { config, domain } = this.parts;
    return {
      id: randomBytes(ID_BYTES).toString('hex'),
      number,
      pin,
      text: config.text.replaceAll('{pin}', pin).replaceAll('{domain}', domain),
      expiresInSeconds: config.limits.pinSeconds,
    };
  }

  private enrol(user: string, device: OfferedDevice): VerifyResult {
    const { services, secret } = this.parts;
    const { accounts, devices, numbers } = services;
    if (accounts.get(user)?.disabled === true) return { kind: 'disabled' };
    const replaced = accounts.exists(user);
    // Whoever had the number before keeps nothing: neither their devices nor their password.
    accounts.putWithoutPassword(user);
    numbers.add(user);
    devices.removeAll(user);
    const { stored, token } = newDevice(device, secret);
    const added = devices.add(user, stored);
    if (added === undefined) throw new Error('an account without devices has no room for one');
    const effects: Effect[] = [
      { kind: 'RefreshAccount', user },
      { kind: 'RefreshDevices', user },
    ];
    if (replaced) effects.push(endSessions(user, '', 'Another device has registered this number.'));
    return { kind: 'verified', enrolled: { device: added, token }, effects };
  }

  private wrongPin(pending: PendingRegistration): VerifyResult {
    const attemptsLeft = pending.attemptsLeft - 1;
    if (attemptsLeft > 0) {
      this.pending.put({ ...pending, attemptsLeft }, pending.id);
    } else {
      this.pending.remove(pending.id);
      this.delays.guessedAt(this.subject('number', pending.number), this.now());
    }
    return { kind: 'wrong-pin', attemptsLeft };
  }

  private newRegistration(
    id: string,
    number: string,
    pin: string,
    now: number,
  ): PendingRegistration {
    const { pinSeconds, pinAttempts } = this.parts.config.limits;
    const expires = now + pinSeconds * 1000;
    return { id, number, pinHash: this.pinHash(id, pin), attemptsLeft: pinAttempts, expires };
  }

  private beginRefusal(number: string, address: string): BeginResult | undefined {
    const now = this.now();
    const seconds = (milliseconds: number): number => Math.ceil(milliseconds / 1000);
    const ofAddress = this.quotas.waitMs(this.addressQuota(address), now);
    if (ofAddress > 0) return { kind: 'limited', by: 'address', seconds: seconds(ofAddress) };
    const ofNumber = this.numberWaitMs(number, now);
    if (ofNumber > 0) return { kind: 'limited', by: 'number', seconds: seconds(ofNumber) };
    return undefined;
  }

  private verifyRefusal(address: string): VerifyResult | undefined {
    const seconds = this.attempts.waitSeconds(address, this.now());
    return seconds > 0 ? { kind: 'limited', seconds } : undefined;
  }

  private numberWaitMs(number: string, now: number): number {
    const subject = this.subject('number', number);
    const waits = this.numberQuotas(subject).map((quota) => this.quotas.waitMs(quota, now));
    return Math.max(this.delays.waitMs(subject, now), ...waits);
  }

  private numberQuotas(subject: string): Quota[] {
    const { perNumberPerHour, perNumberPerDay } = this.parts.config.limits;
    return [
      { kind: 'number-hour', subject, rate: perHour(perNumberPerHour) },
      { kind: 'number-day', subject, rate: perDay(perNumberPerDay) },
    ];
  }

  private addressQuota(address: string): Quota {
    const rate = perHour(this.parts.config.limits.perAddressPerHour);
    return { kind: 'address', subject: this.subject('address', address), rate };
  }

  private beginQuotas(number: string, address: string): Quota[] {
    return [this.addressQuota(address), ...this.numberQuotas(this.subject('number', number))];
  }

  private subject(kind: string, text: string): string {
    return keyedHash(this.parts.secret, kind, text).toString('base64url');
  }

  private pinHash(id: string, pin: string): Buffer {
    return keyedHash(this.parts.secret, 'pin', id, pin);
  }
}
