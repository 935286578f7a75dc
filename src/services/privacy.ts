// Who sees what of an account: when it was last here, whether it is here, its picture, its about.

import type { Blocks } from './blocks.js';
import type { Numbers } from './numbers.js';
import type { Rosters } from './rosters.js';
import type { Store, Table } from './store.js';

/** What can be shown or hidden. */
export const PRIVACY_ASPECTS = ['last-seen', 'online', 'profile-picture', 'about'] as const;
export type PrivacyAspect = (typeof PRIVACY_ASPECTS)[number];

/** To whom. */
export const PRIVACY_AUDIENCES = ['everyone', 'contacts', 'nobody'] as const;
export type PrivacyAudience = (typeof PRIVACY_AUDIENCES)[number];

/** All settings of an account. */
export type PrivacySettings = Readonly<Record<PrivacyAspect, PrivacyAudience>>;

const OF_NUMBERS: PrivacySettings = {
  'last-seen': 'everyone',
  online: 'everyone',
  'profile-picture': 'everyone',
  about: 'everyone',
};

// What XMPP has: presence is for those who have subscribed to it, a vCard is public.
const OF_OTHERS: PrivacySettings = { ...OF_NUMBERS, 'last-seen': 'contacts', online: 'contacts' };

/** The settings' table. Methods that write belong into a transaction of the store. */
export class Privacy {
  private readonly table: Table<Partial<PrivacySettings>>;

  constructor(
    store: Store,
    private readonly numbers: Numbers,
    private readonly rosters: Rosters,
    private readonly blocks: Blocks,
  ) {
    this.table = store.table('privacy');
  }

  /** What holds for an account: its choices, and defaults where it made none. */
  settings(user: string): PrivacySettings {
    return { ...(this.numbers.has(user) ? OF_NUMBERS : OF_OTHERS), ...this.table.get(user) };
  }

  /** Keeps choices; those that are not among `changes` stay. */
  save(user: string, changes: Partial<PrivacySettings>): void {
    this.table.put({ ...this.table.get(user), ...changes }, user);
  }

  clear(user: string): void {
    this.table.remove(user);
  }

  /** Nobody is told that the user is online, contacts neither. */
  hidesOnline(user: string): boolean {
    return this.table.get(user)?.online === 'nobody';
  }

  /** Whether the user shows that to somebody. `asker`: a bare address. */
  shows(user: string, aspect: PrivacyAspect, asker: string): boolean {
    const audience = this.settings(user)[aspect];
    if (audience === 'nobody' || this.blocks.blocked(user, asker)) return false;
    if (audience === 'everyone') return true;
    const { from, listed } = this.rosters.item(user, asker);
    return from || listed;
  }
}
