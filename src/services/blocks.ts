// Block lists (XEP-0191). The engine enforces them; this is where they are kept.

import { bareJid, type Jid, parseJid } from '../engine/jid.js';
import type { Store, Table } from './store.js';

/** The block lists' table. Methods that write belong into a transaction of the store. */
export class Blocks {
  private readonly table: Table<readonly string[]>;

  constructor(store: Store) {
    this.table = store.table('blocks');
  }

  list(user: string): readonly string[] {
    return this.table.get(user) ?? [];
  }

  save(user: string, addresses: readonly string[]): void {
    if (addresses.length === 0) this.table.remove(user);
    else this.table.put(addresses, user);
  }

  /** Whether the user has blocked an address: itself, its bare form, or its domain. */
  blocked(user: string, address: string): boolean {
    const list = this.list(user);
    return list.length > 0 && coveredBy(address, list);
  }
}

/** Whether an address falls under an entry of a list (XEP-0191 §3.2). */
export function coveredBy(address: string, list: readonly string[]): boolean {
  const jid = parseJid(address);
  return jid !== undefined && list.some((entry) => covers(parseJid(entry), jid));
}

function covers(entry: Jid | undefined, address: Jid): boolean {
  if (entry === undefined || entry.domain !== address.domain) return false;
  if (entry.local === '') return entry.resource === '' || entry.resource === address.resource;
  if (bareJid(entry) !== bareJid(address)) return false;
  return entry.resource === '' || entry.resource === address.resource;
}
