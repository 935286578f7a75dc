// Roster items as XML, and the pushes that tell a user's devices of a change (RFC 6121 §2.1.6).

import { randomBytes } from 'node:crypto';
import { type Element, xml } from '../base/xml.js';
import type { Command } from '../engine/boundary.gen.js';
import { toInterested } from './effects.js';
import { isRemovedMark, type RosterChange } from './rosters.js';
import { subscriptionName } from './subscription-state.js';

export const ROSTER = 'jabber:iq:roster';
const ID_BYTES = 6;

/** The `<item/>` of a contact, or of its removal. */
export function itemElement(change: RosterChange): Element {
  if (isRemovedMark(change)) return xml('item', { jid: change.contact, subscription: 'remove' });
  return xml(
    'item',
    {
      jid: change.contact,
      name: change.name === '' ? undefined : change.name,
      subscription: subscriptionName(change),
      ask: change.pendingOut ? 'subscribe' : undefined,
      approved: change.approved ? 'true' : undefined,
    },
    ...change.groups.map((group) => xml('group', {}, group)),
  );
}

/** The stanza of a push. */
export function pushStanza(change: RosterChange, version: string): string {
  const id = `push-${randomBytes(ID_BYTES).toString('hex')}`;
  const query = xml('query', { xmlns: ROSTER, ver: version }, itemElement(change));
  return xml('iq', { type: 'set', id }, query).toString();
}

/** Tells every device that has asked for the roster. */
export function rosterPush(user: string, change: RosterChange, version: string): Command {
  return toInterested(user, pushStanza(change, version));
}
