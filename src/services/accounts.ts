// Accounts: names and SCRAM keys. The engine keeps a copy of the keys, so that a login never comes
// here; these records are the original.

import { normaliseLocalpart, parseJid } from '../engine/jid.js';
import type { ScramCredentials } from './scram.js';
import type { Store, Table } from './store.js';

/** One account as it is stored. */
export interface Account {
  readonly user: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Missing for accounts whose passwords are checked elsewhere. */
  readonly credentials?: ScramCredentials;
  readonly disabled?: boolean;
}

/** What a write does with a name that exists, or does not exist, already. */
export type AccountWrite = 'add' | 'change' | 'import';

/** The outcome for one name. */
export type AccountOutcome = 'added' | 'changed' | 'exists' | 'missing';

/** A name and its new keys. */
export interface AccountKeys {
  readonly user: string;
  readonly credentials: ScramCredentials;
}

/** The name under which an account is stored: `alice`, or `alice@domain` of this domain. */
export function accountName(text: string, domain: string): string | undefined {
  if (!text.includes('@')) return normaliseLocalpart(text);
  const jid = parseJid(text);
  return jid !== undefined && jid.domain === domain && jid.resource === '' ? jid.local : undefined;
}

/** The accounts table. */
export class Accounts {
  private readonly table: Table<Account>;
  private readonly removed: Table<string>;

  constructor(
    private readonly store: Store,
    private readonly live: boolean,
  ) {
    this.table = store.table('accounts');
    this.removed = store.table('removed-accounts');
  }

  get(user: string): Account | undefined {
    return this.table.get(user);
  }

  exists(user: string): boolean {
    return this.table.has(user);
  }

  /** Every account, by name. */
  all(): Generator<Account> {
    return this.table.values();
  }

  /** The accounts whose names come behind this one. */
  after(user: string): Generator<Account> {
    return this.table.valuesAfter(user);
  }

  count(): number {
    return this.table.count();
  }

  /** Writes keys of normalised names in one transaction; the outcomes are in the same order. */
  async write(entries: readonly AccountKeys[], mode: AccountWrite): Promise<AccountOutcome[]> {
    return await this.store.transaction(() => entries.map((entry) => this.writeOne(entry, mode)));
  }

  /** Makes an account without keys, for a name that another service has let in. */
  async addExternal(user: string): Promise<boolean> {
    return await this.store.transaction(() => {
      if (this.table.has(user)) return false;
      this.begin({ user, created: Date.now() });
      return true;
    });
  }

  /**
   * Makes an account without a password, or takes the password of the one that is there away.
   * Only inside a transaction.
   */
  putWithoutPassword(user: string): void {
    const existing = this.table.get(user);
    if (existing === undefined) {
      this.begin({ user, created: Date.now() });
      return;
    }
    const { credentials: _, ...rest } = existing;
    this.table.put(rest, user);
  }

  /** Only inside a transaction: what else belongs to the user is removed there too. */
  remove(user: string): void {
    this.table.remove(user);
    this.removed.put(user, user);
  }

  /**
   * Names whose mailboxes the engine must still empty: it may have been down when they went. Told
   * at the next start before anything else, because the name may belong to a new account by then.
   */
  removedNames(): Generator<string> {
    return this.removed.values();
  }

  /** The engine has been told. */
  async forgetRemoved(names: readonly string[]): Promise<void> {
    await this.store.transaction(() => {
      for (const name of names) this.removed.remove(name);
    });
  }

  private begin(account: Account): void {
    this.table.put(account, account.user);
    // A running engine has emptied the mailbox of the name's last owner already; telling it again
    // at the next start would empty this one's.
    if (this.live) this.removed.remove(account.user);
  }

  private writeOne({ user, credentials }: AccountKeys, mode: AccountWrite): AccountOutcome {
    const existing = this.table.get(user);
    if (existing === undefined) {
      if (mode === 'change') return 'missing';
      this.begin({ user, created: Date.now(), credentials });
      return 'added';
    }
    if (mode === 'add') return 'exists';
    this.table.put({ ...existing, credentials }, user);
    return 'changed';
  }
}
