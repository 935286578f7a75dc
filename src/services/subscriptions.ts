// Subscription stanzas between users of this server: the state machine on both sides, the pushes,
// and the facts that the engine needs for presence (RFC 6121 §3). Runs inside one transaction.

import { StanzaError } from '../base/stanza-error.js';
import { xml } from '../base/xml.js';
import { parseJid } from '../engine/jid.js';
import { type Effect, toAvailable } from './effects.js';
import { rosterPush } from './roster-push.js';
import type { RosterItem } from './rosters.js';
import type { Services } from './services.js';
import {
  inbound,
  outbound,
  type SubscriptionState,
  type SubscriptionType,
  subscriptionName,
} from './subscription-state.js';

/** A subscription stanza of a user of this server. */
export interface SubscriptionRequest {
  readonly user: string;
  /** Bare address. */
  readonly contact: string;
  readonly type: SubscriptionType;
  /** The stanza to hand on, with bare `from` and `to`. */
  readonly stanza: string;
}

const BLOCKED = 'urn:xmpp:blocking:errors';

/** A stanza without content, as the server writes one in a user's name. */
export function plainSubscription(from: string, to: string, type: SubscriptionType): string {
  return xml('presence', { from, to, type }).toString();
}

function visible(before: RosterItem, after: SubscriptionState): boolean {
  return (
    subscriptionName(before) !== subscriptionName(after) ||
    before.pendingOut !== after.pendingOut ||
    before.approved !== after.approved
  );
}

/** Applies one stanza to both rosters. Throws StanzaError for what the sender must be told. */
export class SubscriptionFlow {
  readonly effects: Effect[] = [];

  constructor(private readonly services: Services) {}

  /** The user sends a stanza. */
  send({ user, contact, type, stanza }: SubscriptionRequest): void {
    const { settings, blocks, rosters } = this.services;
    const own = `${user}@${settings.domain}`;
    if (contact === own) return;
    const jid = parseJid(contact);
    if (jid?.domain !== settings.domain) throw new StanzaError('remote-server-not-found');
    if (jid.local === '') return; // The server itself keeps no roster.
    if (blocks.blocked(user, contact)) {
      throw new StanzaError('not-acceptable', '', xml('blocked', { xmlns: BLOCKED }));
    }
    const item = rosters.item(user, contact);
    const { next, pass } = outbound(item, type);
    this.checkRoom(user, item, next);
    this.update(user, item, next);
    if (pass) this.arrive(jid.local, own, type, stanza);
    this.refresh(user, contact);
    this.refresh(jid.local, own);
  }

  /** A stanza arrives for a user of this server. */
  arrive(user: string, contact: string, type: SubscriptionType, stanza: string): void {
    const { accounts, blocks, rosters, settings } = this.services;
    // RFC 6121 §8.5.1: a stranger's account and a blocked sender's request stay unanswered.
    if (!accounts.exists(user) || blocks.blocked(user, contact)) return;
    const item = rosters.item(user, contact);
    const { next, pass, autoReply } = inbound(item, type);
    if (next.pendingIn && !item.pendingIn) {
      const { requests } = rosters.counts(user);
      if (requests >= settings.limits.maxPendingSubscriptions) {
        throw new StanzaError('resource-constraint', 'Too many requests wait for this contact.');
      }
    }
    this.update(user, item, next, next.pendingIn ? stanza : '');
    // Interested resources are who must hear it; a client that skips its roster wants to as well.
    if (pass) this.effects.push(toAvailable(user, stanza));
    if (!autoReply) return;
    const own = `${user}@${settings.domain}`;
    const sender = parseJid(contact);
    if (sender?.domain !== settings.domain) return;
    this.arrive(sender.local, own, 'subscribed', plainSubscription(own, contact, 'subscribed'));
  }

  private checkRoom(user: string, item: RosterItem, next: SubscriptionState): void {
    if (item.listed || !(next.pendingOut || next.approved || next.from)) return;
    if (this.services.rosters.counts(user).items >= this.services.settings.limits.maxRosterItems) {
      throw new StanzaError('policy-violation', 'The contact list is full.');
    }
  }

  private update(user: string, item: RosterItem, next: SubscriptionState, request = ''): void {
    const { rosters } = this.services;
    const changes = visible(item, next);
    if (!changes && item.pendingIn === next.pendingIn && item.request === request) return;
    const listed = item.listed || changes;
    const keptRequest = next.pendingIn ? request || item.request : '';
    const written = rosters.save(user, { ...item, ...next, listed, request: keptRequest }, changes);
    if (changes) this.effects.push(rosterPush(user, written, rosters.version(user)));
  }

  private refresh(user: string, contact: string): void {
    this.effects.push({ kind: 'RefreshContact', user, contact });
  }
}

/** Ends all that two users are to each other, as `user` wishes it (§2.5.2). */
export function severSubscriptions(
  flow: SubscriptionFlow,
  services: Services,
  user: string,
  item: RosterItem,
): void {
  const own = `${user}@${services.settings.domain}`;
  const contact = parseJid(item.contact);
  if (contact?.domain !== services.settings.domain || contact.local === '') return;
  const end = (type: SubscriptionType): void => {
    flow.arrive(contact.local, own, type, plainSubscription(own, item.contact, type));
  };
  if (item.to || item.pendingOut) end('unsubscribe');
  if (item.from || item.pendingIn) end('unsubscribed');
  flow.effects.push({ kind: 'RefreshContact', user: contact.local, contact: own });
  flow.effects.push({ kind: 'RefreshContact', user, contact: item.contact });
}
