// The devices of an account after its registration: which one a token belongs to, how one links
// another, and how they are removed.

import type { Config } from '../../config/schema.js';
import { type Device, deviceResource } from '../devices.js';
import type { Effect } from '../effects.js';
import { perHour, type Quota, Quotas } from '../quotas.js';
import type { Services } from '../services.js';
import { keyedHash, randomBelow } from '../sodium.js';
import type { Table } from '../store.js';
import { Sweeper } from '../sweeper.js';
import { Attempts } from './attempts.js';
import {
  type EnrolledDevice,
  endSessions,
  newDevice,
  type OfferedDevice,
  tokenHash,
} from './enrolment.js';

// 32 characters that are not taken for each other; 60 bits.
const CODE_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const CODE_CHARACTERS = 12;
const CODE_GROUP = 4;

interface Link {
  readonly hash: string;
  readonly user: string;
  /** The device that asked for it; when that is removed, so is what it offered. */
  readonly device: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** A code with which another device may join, or how long to wait for one. */
export type LinkResult =
  | { readonly kind: 'linking'; readonly code: string; readonly expiresInSeconds: number }
  | { readonly kind: 'limited'; readonly seconds: number }
  | { readonly kind: 'full' };

/** A device that has joined, or why it has not. */
export type JoinResult =
  | { readonly kind: 'joined'; readonly enrolled: EnrolledDevice; readonly effects: Effect[] }
  | { readonly kind: 'wrong-code' }
  | { readonly kind: 'limited'; readonly seconds: number }
  | { readonly kind: 'full' };

/** As people may type it. */
function plainCode(code: string): string {
  return code
    .toLowerCase()
    .replaceAll(/[\s-]/gu, '')
    .replaceAll('o', '0')
    .replaceAll(/[il]/gu, '1');
}

function newCode(): string {
  let code = '';
  for (let at = 0; at < CODE_CHARACTERS; at++) {
    if (at > 0 && at % CODE_GROUP === 0) code += '-';
    code += CODE_ALPHABET[randomBelow(CODE_ALPHABET.length)];
  }
  return code;
}

/** Keeps the devices. */
export class DeviceKeeper {
  private readonly links: Table<Link>;
  private readonly quotas: Quotas;
  private readonly attempts: Attempts;
  private readonly sweeper: Sweeper<Link>;

  constructor(
    private readonly services: Services,
    private readonly secret: Buffer,
    private readonly limits: Config['registration']['limits'],
    private readonly now: () => number = Date.now,
  ) {
    this.links = services.store.table('device-links');
    this.quotas = new Quotas(services.store);
    const perHourCount = limits.verificationsPerAddressPerHour;
    this.attempts = new Attempts(services.store, secret, perHourCount);
    this.sweeper = new Sweeper(
      this.links,
      ({ hash }) => [hash],
      ({ expires }, time) => expires <= time,
    );
  }

  /** The device whose token this is. */
  authorised(token: string): Device | undefined {
    if (token === '') return undefined;
    const { devices, accounts, store } = this.services;
    store.refresh();
    const device = devices.byToken(tokenHash(this.secret, token));
    if (device === undefined || accounts.get(device.user)?.disabled === true) return undefined;
    return device;
  }

  list(user: string): Device[] {
    this.services.store.refresh();
    return this.services.devices.list(user);
  }

  /** Makes a code with which another device may join the account of this one. */
  async link({ user, id }: Device): Promise<LinkResult> {
    const { store, devices } = this.services;
    const { linkSeconds, maxDevices, linksPerHour } = this.limits;
    const quota: Quota = { kind: 'link', subject: user, rate: perHour(linksPerHour) };
    const code = newCode();
    return await store.transaction((): LinkResult => {
      const now = this.now();
      const wait = this.quotas.waitMs(quota, now);
      if (wait > 0) return { kind: 'limited', seconds: Math.ceil(wait / 1000) };
      if (devices.list(user).length >= maxDevices) return { kind: 'full' };
      this.quotas.take(quota, now);
      const hash = this.hash(code);
      this.links.put({ hash, user, device: id, expires: now + linkSeconds * 1000 }, hash);
      return { kind: 'linking', code, expiresInSeconds: linkSeconds };
    });
  }

  /** Adds a device to the account whose code it knows. The code is used up. */
  async join(code: string, device: OfferedDevice, address: string): Promise<JoinResult> {
    const { store, devices } = this.services;
    const refused = this.joinRefusal(address);
    if (refused !== undefined) return refused;
    return await store.transaction((): JoinResult => {
      const late = this.joinRefusal(address);
      if (late !== undefined) return late;
      this.attempts.take(address, this.now());
      const hash = this.hash(code);
      const link = this.links.get(hash);
      if (link === undefined) return { kind: 'wrong-code' };
      this.links.remove(hash);
      const { user } = link;
      const offering = devices.get(user, link.device);
      if (link.expires <= this.now() || offering === undefined) return { kind: 'wrong-code' };
      if (devices.list(user).length >= this.limits.maxDevices) return { kind: 'full' };
      const { stored, token } = newDevice(device, this.secret);
      const added = devices.add(user, stored);
      if (added === undefined) return { kind: 'full' };
      const effects: Effect[] = [{ kind: 'RefreshDevices', user }];
      return { kind: 'joined', enrolled: { device: added, token }, effects };
    });
  }

  /** Removes a device; undefined when there is none of that number. */
  async remove(user: string, id: number): Promise<Effect[] | undefined> {
    return await removeDevice(this.services, user, id);
  }

  /** Removes some of what is over. */
  async sweep(): Promise<void> {
    await this.services.store.transaction(() => this.sweeper.sweep(this.now()));
  }

  private joinRefusal(address: string): JoinResult | undefined {
    const seconds = this.attempts.waitSeconds(address, this.now());
    return seconds > 0 ? { kind: 'limited', seconds } : undefined;
  }

  private hash(code: string): string {
    return keyedHash(this.secret, 'link', plainCode(code)).toString('base64url');
  }
}

/** Removes a device; undefined when there was none, otherwise what the engine must be told. */
export async function removeDevice(
  { store, devices }: Services,
  user: string,
  id: number,
): Promise<Effect[] | undefined> {
  const removed = await store.transaction(() => devices.remove(user, id));
  if (!removed) return undefined;
  // The key first: a device that is sent away must not come back.
  return [
    { kind: 'RefreshDevices', user },
    endSessions(user, deviceResource(id), 'This device was removed.'),
  ];
}
