// Tokens with which programs and people use the admin HTTP interface. A token is shown once, when
// it is made; what is kept is its keyed hash, and the key is in a file of its own.

import { secretFile } from './secret-file.js';
import type { Services } from './services.js';
import { keyedHash, randomBytes } from './sodium.js';
import type { Store, Table } from './store.js';

const TOKEN_BYTES = 32;
/** Shows what it is, to people and to programs that look for lost secrets. */
const PREFIX = 'rookery_';

/** A token as it is stored. */
export interface AdminToken {
  readonly name: string;
  readonly role: string;
  /** Keyed hash, in hexadecimal. */
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Milliseconds since 1970; 0: never. */
  readonly expires: number;
}

/** The table. */
export class AdminTokens {
  private readonly table: Table<AdminToken>;

  constructor(
    private readonly store: Store,
    private readonly secret: Buffer,
    private readonly now: () => number = Date.now,
  ) {
    this.table = store.table('admin-tokens');
  }

  /** With the key of the data folder. */
  static open({ store, settings }: Services): AdminTokens {
    return new AdminTokens(store, secretFile(settings.dataFolder, 'admin.key'));
  }

  /** By name. */
  list(): AdminToken[] {
    this.store.refresh();
    return [...this.table.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** Makes a token; undefined when there is one of that name. */
  async add(name: string, role: string, days: number): Promise<string | undefined> {
    const token = PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
    const created = this.now();
    const expires = days === 0 ? 0 : created + days * 86_400_000;
    const hash = this.hash(token);
    const added = await this.store.transaction(() => {
      if (this.named(name) !== undefined) return false;
      this.table.put({ name, role, hash, created, expires }, hash);
      return true;
    });
    return added ? token : undefined;
  }

  /** False when there is none of that name. */
  async remove(name: string): Promise<boolean> {
    return await this.store.transaction(() => {
      const found = this.named(name);
      if (found === undefined) return false;
      this.table.remove(found.hash);
      return true;
    });
  }

  /** Whose token that is. Looked up by its hash, so that the time it takes tells nothing. */
  find(token: string): AdminToken | 'expired' | undefined {
    this.store.refresh();
    const found = this.table.get(this.hash(token));
    if (found === undefined) return undefined;
    return found.expires !== 0 && found.expires <= this.now() ? 'expired' : found;
  }

  private named(name: string): AdminToken | undefined {
    for (const token of this.table.values()) if (token.name === name) return token;
    return undefined;
  }

  private hash(token: string): string {
    return keyedHash(this.secret, 'admin', token).toString('hex');
  }
}
