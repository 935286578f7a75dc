// What clients keep at the server as they wrote it: vCards (XEP-0054) and private storage
// (XEP-0049); and when an account was last seen (XEP-0012).

import type { Store, Table } from './store.js';

/** When and how a user's last session ended. */
export interface LastSeen {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly status: string;
}

interface PrivatePiece {
  /** Name and namespace of the element. */
  readonly key: string;
  readonly xml: string;
}

/** The tables of documents. `save…` belong into a transaction, `seen` does not. */
export class Documents {
  private readonly vcards: Table<string>;
  private readonly pieces: Table<PrivatePiece>;
  private readonly lastSeen: Table<LastSeen>;

  constructor(store: Store) {
    this.vcards = store.table('vcards');
    this.pieces = store.table('private');
    this.lastSeen = store.table('last-seen');
  }

  vcard(user: string): string | undefined {
    return this.vcards.get(user);
  }

  saveVcard(user: string, xml: string): void {
    this.vcards.put(xml, user);
  }

  piece(user: string, key: string): string | undefined {
    return this.pieces.get(user, key)?.xml;
  }

  pieceCount(user: string): number {
    return [...this.pieces.values(user)].length;
  }

  savePiece(user: string, key: string, xml: string): void {
    this.pieces.put({ key, xml }, user, key);
  }

  last(user: string): LastSeen | undefined {
    return this.lastSeen.get(user);
  }

  async seen(user: string, status: string): Promise<void> {
    await this.lastSeen.putLater({ at: Date.now(), status }, user);
  }

  /** Forgets everything of an account that ends. */
  clear(user: string): void {
    this.vcards.remove(user);
    this.lastSeen.remove(user);
    for (const { key } of [...this.pieces.values(user)]) this.pieces.remove(user, key);
  }
}
