// Rosters: one record per contact, and one per user with the roster's version. Every visible change
// raises the version and is stamped with it, and removed items leave a mark, so that a client which
// was away is told only what has changed (RFC 6121 §2.6).

import { randomBytes } from 'node:crypto';
import type { Store, Table } from './store.js';
import { NO_SUBSCRIPTION, type SubscriptionState } from './subscription-state.js';

/** One contact of one user. */
export interface RosterItem extends SubscriptionState {
  /** Bare address. */
  readonly contact: string;
  readonly name: string;
  readonly groups: readonly string[];
  /** Whether the user sees it: a mere request of a contact is kept here, but is no contact yet. */
  readonly listed: boolean;
  /** The request that waits, as the contact sent it. */
  readonly request: string;
  /** The roster's version when this item last changed visibly. */
  readonly version: number;
}

interface RosterHead {
  /** Part of every version text, so that a roster that was begun anew has other versions. */
  readonly epoch: string;
  readonly version: number;
  /** Listed items. */
  readonly items: number;
  /** Requests that wait, of contacts listed or not. */
  readonly requests: number;
  /** Marks of removed items. */
  readonly marks: number;
  /** Changes up to this version can no longer be told one by one. */
  readonly floor: number;
}

interface RemovedMark {
  readonly contact: string;
  readonly removed: number;
}

/** A change since a version. */
export type RosterChange = RosterItem | RemovedMark;

const MAX_MARKS = 200;

function isMark(record: RosterItem | RemovedMark): record is RemovedMark {
  return 'removed' in record;
}

/** The rosters' tables. Methods that write belong into a transaction of the store. */
export class Rosters {
  private readonly records: Table<RosterItem | RemovedMark>;
  private readonly heads: Table<RosterHead>;

  constructor(store: Store) {
    this.records = store.table('roster-items');
    this.heads = store.table('rosters');
  }

  /** The item, listed or not; a blank one where there is none. */
  item(user: string, contact: string): RosterItem {
    const record = this.records.get(user, contact);
    if (record !== undefined && !isMark(record)) return record;
    const blank = { contact, name: '', groups: [], listed: false, request: '', version: 0 };
    return { ...NO_SUBSCRIPTION, ...blank };
  }

  /** Every item, listed or not. */
  *all(user: string): Generator<RosterItem> {
    for (const record of this.records.values(user)) if (!isMark(record)) yield record;
  }

  /** What the user sees. */
  listed(user: string): RosterItem[] {
    return [...this.all(user)].filter(({ listed }) => listed);
  }

  /** The version as the client is told it. */
  version(user: string): string {
    const head = this.heads.get(user);
    return head === undefined ? '0' : `${head.epoch}-${head.version}`;
  }

  /** The changes since a version, oldest first; undefined when the whole roster must be sent. */
  changesSince(user: string, version: string): RosterChange[] | undefined {
    if (version === this.version(user)) return [];
    const head = this.heads.get(user);
    const match = /^(.+)-(\d+)$/u.exec(version);
    const since = Number(match?.[2]);
    if (head === undefined || match?.[1] !== head.epoch) return undefined;
    if (since < head.floor || since > head.version) return undefined;
    const changed = (record: RosterChange): number =>
      isMark(record) ? record.removed : record.version;
    return [...this.records.values(user)]
      .filter((record) => changed(record) > since)
      .sort((left, right) => changed(left) - changed(right));
  }

  counts(user: string): { readonly items: number; readonly requests: number } {
    const { items, requests } = this.head(user);
    return { items, requests };
  }

  /** Writes an item; a visible change raises the version. Returns it as written. */
  save(user: string, item: RosterItem, visible: boolean): RosterItem {
    const before = this.item(user, item.contact);
    const head = this.head(user);
    const mark = this.records.get(user, item.contact);
    const version = visible ? head.version + 1 : head.version;
    const written = visible ? { ...item, version } : item;
    this.heads.put(
      {
        ...head,
        version,
        items: head.items + Number(item.listed) - Number(before.listed),
        requests: head.requests + Number(item.pendingIn) - Number(before.pendingIn),
        marks: head.marks - Number(mark !== undefined && isMark(mark)),
      },
      user,
    );
    if (!visible && !item.listed && !item.pendingIn && !item.approved) {
      this.records.remove(user, item.contact);
    } else {
      this.records.put(written, user, item.contact);
    }
    return written;
  }

  /** Removes a listed item and leaves its mark. Returns the new version. */
  remove(user: string, item: RosterItem): string {
    const head = this.head(user);
    const version = head.version + 1;
    const full = head.marks >= MAX_MARKS;
    if (full) {
      for (const record of [...this.records.values(user)]) {
        if (isMark(record)) this.records.remove(user, record.contact);
      }
    }
    this.records.put({ contact: item.contact, removed: version }, user, item.contact);
    this.heads.put(
      {
        ...head,
        version,
        items: head.items - Number(item.listed),
        requests: head.requests - Number(item.pendingIn),
        marks: full ? 1 : head.marks + 1,
        floor: full ? version - 1 : head.floor,
      },
      user,
    );
    return this.version(user);
  }

  /** Forgets the whole roster of an account that ends. */
  clear(user: string): void {
    for (const { contact } of [...this.records.values(user)]) this.records.remove(user, contact);
    this.heads.remove(user);
  }

  private head(user: string): RosterHead {
    return (
      this.heads.get(user) ?? {
        epoch: randomBytes(6).toString('hex'),
        version: 0,
        items: 0,
        requests: 0,
        marks: 0,
        floor: 0,
      }
    );
  }
}

export { isMark as isRemovedMark };
