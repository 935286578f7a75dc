// The devices of accounts: phones and browsers that log in with a key of their own. The engine has
// a copy of the keys; the tokens, with which devices speak to the HTTP interface, stay here.

import type { Store, Table } from './store.js';

/** Numbers that a device can have; the engine and the protocol keep them in a byte. */
export const MAX_DEVICE_ID = 250;

/** One device as it is stored. */
export interface Device {
  readonly user: string;
  readonly id: number;
  /** X25519, public. */
  readonly key: Uint8Array;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Keyed hash of its token, in hexadecimal. */
  readonly tokenHash: string;
}

/** What a new device brings. */
export type NewDevice = Pick<Device, 'key' | 'name' | 'tokenHash'>;

interface Owner {
  readonly user: string;
  readonly id: number;
}

/** A device as the command line shows it; the token's hash is nobody's business. */
export interface DeviceSummary {
  readonly id: number;
  readonly name: string;
  readonly created: number;
}

/** The summary of a device. */
export function deviceToJson({ id, name, created }: Device): DeviceSummary {
  return { id, name, created };
}

/** The resource that a device's sessions bind. */
export function deviceResource(id: number): string {
  return `d${id}`;
}

// Fixed width, so that numbers sort as they count.
const idPart = (id: number): string => String(id).padStart(3, '0');

/** The devices' tables. Methods that write belong into a transaction of the store. */
export class Devices {
  private readonly table: Table<Device>;
  private readonly tokens: Table<Owner>;
  private readonly lastIds: Table<number>;

  constructor(store: Store) {
    this.table = store.table('devices');
    this.tokens = store.table('device-tokens');
    this.lastIds = store.table('device-ids');
  }

  list(user: string): Device[] {
    return [...this.table.values(user)];
  }

  get(user: string, id: number): Device | undefined {
    return this.table.get(user, idPart(id));
  }

  /** The device that has this token. */
  byToken(tokenHash: string): Device | undefined {
    const owner = this.tokens.get(tokenHash);
    return owner === undefined ? undefined : this.get(owner.user, owner.id);
  }

  /** Adds a device; undefined when every number is taken. */
  add(user: string, device: NewDevice): Device | undefined {
    const id = this.nextId(user);
    if (id === undefined) return undefined;
    const added: Device = { ...device, user, id, created: Date.now() };
    this.lastIds.put(id, user);
    this.table.put(added, user, idPart(id));
    this.tokens.put({ user, id }, device.tokenHash);
    return added;
  }

  /** False when there was no such device. */
  remove(user: string, id: number): boolean {
    const device = this.get(user, id);
    if (device === undefined) return false;
    this.tokens.remove(device.tokenHash);
    this.table.remove(user, idPart(id));
    return true;
  }

  /** Removes all devices of a user. The numbers they had come up again last. */
  removeAll(user: string): void {
    for (const { id } of this.list(user)) this.remove(user, id);
  }

  /** Forgets everything of an account that ends. */
  clear(user: string): void {
    this.removeAll(user);
    this.lastIds.remove(user);
  }

  // The number that has been free for longest: what is still under way for a removed device must
  // not reach the one that comes after it.
  private nextId(user: string): number | undefined {
    const last = this.lastIds.get(user) ?? 0;
    for (let step = 0; step < MAX_DEVICE_ID; step++) {
      const id = ((last + step) % MAX_DEVICE_ID) + 1;
      if (this.get(user, id) === undefined) return id;
    }
    return undefined;
  }
}
