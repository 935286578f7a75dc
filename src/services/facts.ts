// Pushes to the engine what it needs to act alone: accounts, devices, contacts, block lists. All of
// it before the listeners open, afterwards each change. A fact is read when it is pushed, never
// carried along, so the last push is the newest.

import type { Command } from '../engine/boundary.gen.js';
import type { Account } from './accounts.js';
import { coveredBy } from './blocks.js';
import type { Device } from './devices.js';
import type { Effect } from './effects.js';
import type { RosterItem } from './rosters.js';
import type { Services } from './services.js';

const TO = 1;
const FROM = 2;
const NO_KEYS = {
  iterations: 0,
  salt: new Uint8Array(),
  storedKey: new Uint8Array(),
  serverKey: new Uint8Array(),
};

function accountFact({ user, credentials, disabled }: Account): Command {
  const sha1 = credentials?.sha1 ?? NO_KEYS;
  const sha256 = credentials?.sha256 ?? NO_KEYS;
  return {
    kind: 'PutAccount',
    user,
    disabled: Number(disabled ?? false),
    sha1Iterations: sha1.iterations,
    sha1Salt: sha1.salt,
    sha1StoredKey: sha1.storedKey,
    sha1ServerKey: sha1.serverKey,
    sha256Iterations: sha256.iterations,
    sha256Salt: sha256.salt,
    sha256StoredKey: sha256.storedKey,
    sha256ServerKey: sha256.serverKey,
  };
}

/** Who is hidden from gets no presence, whatever they have subscribed to. */
function contactFact(
  user: string,
  item: RosterItem,
  isHidden: (contact: string) => boolean,
): Command {
  const shown = item.from && !isHidden(item.contact);
  const subscription = (item.to ? TO : 0) | (shown ? FROM : 0);
  return { kind: 'PutContact', user, contact: item.contact, subscription };
}

function blockListFact(user: string, list: readonly string[]): Command {
  return { kind: 'PutBlockList', user, addresses: list.join('\n') };
}

function devicesFact(user: string, devices: readonly Device[]): Command {
  const entries = devices.flatMap(({ id, key }) => [Uint8Array.of(id), key]);
  return { kind: 'PutDevices', user, devices: Buffer.concat(entries) };
}

/** Reads facts from the store and writes them as commands. */
export class Facts {
  constructor(private readonly services: Services) {}

  /** The facts of every account. */
  *everything(): Generator<Command> {
    for (const user of this.services.accounts.removedNames()) yield { kind: 'RemoveAccount', user };
    for (const account of this.services.accounts.all()) {
      yield accountFact(account);
      const devices = this.services.devices.list(account.user);
      if (devices.length > 0) yield devicesFact(account.user, devices);
      yield* this.relations(account.user);
    }
  }

  /** What an effect means for the engine, read now. Effects in, commands out, in order. */
  resolve(effects: readonly Effect[]): Command[] {
    this.services.store.refresh();
    return effects.flatMap((effect) => this.resolveOne(effect));
  }

  private resolveOne(effect: Effect): Command[] {
    const { accounts, rosters, devices } = this.services;
    switch (effect.kind) {
      case 'RefreshAccount': {
        const account = accounts.get(effect.user);
        if (account === undefined) return [{ kind: 'RemoveAccount', user: effect.user }];
        return [accountFact(account)];
      }
      case 'RefreshContact': {
        if (!accounts.exists(effect.user)) return [];
        const item = rosters.item(effect.user, effect.contact);
        return [contactFact(effect.user, item, this.hiding(effect.user))];
      }
      case 'RefreshDevices': {
        if (!accounts.exists(effect.user)) return [];
        return [devicesFact(effect.user, devices.list(effect.user))];
      }
      case 'RefreshBlockList':
      case 'RefreshPrivacy':
        return this.refreshHiding(effect.user);
      default:
        return [effect];
    }
  }

  /**
   * Contacts lose sight of the user before the list hides them, and see the user again only after
   * the list has let go of them; which of both it is, the engine tells from the bits.
   */
  private refreshHiding(user: string): Command[] {
    const { rosters, blocks, accounts } = this.services;
    if (!accounts.exists(user)) return [];
    const list = blocks.list(user);
    const contacts = [...rosters.all(user)].filter(({ from }) => from);
    const isHidden = this.hiding(user);
    const hidden = contacts.filter(({ contact }) => isHidden(contact));
    const shown = contacts.filter(({ contact }) => !isHidden(contact));
    return [
      ...hidden.map((item) => contactFact(user, item, isHidden)),
      blockListFact(user, list),
      ...shown.map((item) => contactFact(user, item, isHidden)),
    ];
  }

  /** From whom the user is hidden: from the blocked, or from all. */
  private hiding(user: string): (contact: string) => boolean {
    if (this.services.privacy.hidesOnline(user)) return () => true;
    const list = this.services.blocks.list(user);
    return (contact) => coveredBy(contact, list);
  }

  private *relations(user: string): Generator<Command> {
    const list = this.services.blocks.list(user);
    const isHidden = this.hiding(user);
    for (const item of this.services.rosters.all(user)) {
      if (item.to || item.from) yield contactFact(user, item, isHidden);
    }
    if (list.length > 0) yield blockListFact(user, list);
  }
}
