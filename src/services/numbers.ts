// Which accounts were registered by phone number, found by a hash of the number: the index of
// contact discovery. The hash has a salt of this server that everyone may know; docs/PROTOCOL.md
// section 6.6 says what that protects and what it does not.

import { createHash, randomBytes } from 'node:crypto';
import type { Store, Table } from './store.js';

/** Bytes of a hash that are kept and sent. */
export const NUMBER_HASH_BYTES = 10;

const SALT_BYTES = 16;
const SALT = 'salt';

/** The index. Methods that write belong into a transaction of the store. */
export class Numbers {
  private readonly users: Table<string>;
  private readonly facts: Table<Uint8Array>;

  constructor(store: Store) {
    this.users = store.table('number-hashes');
    this.facts = store.table('discovery');
  }

  /** The salt; undefined before the first number, or the first who asked for it. */
  get salt(): Uint8Array | undefined {
    return this.facts.get(SALT);
  }

  /** The salt; makes it when there is none. Only inside a transaction. */
  needSalt(): Uint8Array {
    const known = this.salt;
    if (known !== undefined) return known;
    const made = randomBytes(SALT_BYTES);
    this.facts.put(made, SALT);
    return made;
  }

  /** An account was registered by its number, which is its name. */
  add(user: string): void {
    this.users.put(user, hashOf(user, this.needSalt()));
  }

  remove(user: string): void {
    const { salt } = this;
    if (salt !== undefined) this.users.remove(hashOf(user, salt));
  }

  /** Whether the account was registered by its number. */
  has(user: string): boolean {
    const { salt } = this;
    return salt !== undefined && this.users.get(hashOf(user, salt)) === user;
  }

  /** The account whose number has this hash. */
  find(hash: Uint8Array): string | undefined {
    return this.users.get(keyOf(hash));
  }
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64');
}

function hashOf(user: string, salt: Uint8Array): string {
  const digest = createHash('sha256').update(salt).update(`+${user}`).digest();
  return keyOf(digest.subarray(0, NUMBER_HASH_BYTES));
}
