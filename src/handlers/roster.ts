// The contact list: jabber:iq:roster (RFC 6121 §2), with versions.

import assert from 'node:assert/strict';
import { StanzaError } from '../base/stanza-error.js';
import { attribute, type Element, elements, xml } from '../base/xml.js';
import { bareJid, parseJid } from '../engine/jid.js';
import { toSession } from '../services/effects.js';
import { itemElement, pushStanza, ROSTER, rosterPush } from '../services/roster-push.js';
import type { RosterItem } from '../services/rosters.js';
import { SubscriptionFlow, severSubscriptions } from '../services/subscriptions.js';
import type { Answer, Handler, HandlerContext, IqCall } from './handler.js';

const MAX_TEXT_BYTES = 1023;
const MAX_GROUPS = 100;

function get(call: IqCall, { services, before, after }: HandlerContext): Element | undefined {
  const { rosters } = services;
  const { user, session } = call;
  before({ kind: 'MarkInterested', user, session });
  const asked = attribute(call.payload, 'ver');
  const version = rosters.version(user);
  const changes = asked === undefined ? undefined : rosters.changesSince(user, asked);
  if (changes !== undefined) {
    for (const change of changes) after(toSession(user, session, pushStanza(change, version)));
    return undefined;
  }
  const items = rosters.listed(user).map(itemElement);
  return xml('query', { xmlns: ROSTER, ver: asked === undefined ? undefined : version }, ...items);
}

function checkedText(text: string): string {
  if (Buffer.byteLength(text) > MAX_TEXT_BYTES) throw new StanzaError('not-acceptable');
  return text;
}

function groupsOf(item: Element): string[] {
  const groups = item.getChildren('group').map((group) => checkedText(group.getText()));
  if (groups.length > MAX_GROUPS || groups.includes('')) throw new StanzaError('not-acceptable');
  if (new Set(groups).size !== groups.length) throw new StanzaError('bad-request');
  return groups;
}

function contactOf(item: Element, own: string): string {
  const jid = parseJid(attribute(item, 'jid') ?? '');
  if (jid === undefined) throw new StanzaError('jid-malformed');
  const contact = bareJid(jid);
  if (contact === own) throw new StanzaError('not-allowed', 'Nobody is their own contact.');
  return contact;
}

async function set(call: IqCall, context: HandlerContext): Promise<undefined> {
  const children = elements(call.payload);
  const [item] = children;
  if (item?.name !== 'item' || children.length !== 1) throw new StanzaError('bad-request');
  const contact = contactOf(item, call.own);
  if (attribute(item, 'subscription') === 'remove') {
    await remove(call, contact, context);
    return;
  }
  const name = checkedText(attribute(item, 'name') ?? '');
  const groups = groupsOf(item);
  const { rosters, store, settings } = context.services;
  const written = await store.transaction(() => {
    const existing = rosters.item(call.user, contact);
    if (!existing.listed && rosters.counts(call.user).items >= settings.limits.maxRosterItems) {
      return undefined;
    }
    const next: RosterItem = { ...existing, name, groups, listed: true };
    return { item: rosters.save(call.user, next, true), version: rosters.version(call.user) };
  });
  if (written === undefined) throw new StanzaError('policy-violation', 'The contact list is full.');
  context.before(rosterPush(call.user, written.item, written.version));
}

async function remove(call: IqCall, contact: string, context: HandlerContext): Promise<void> {
  const { services } = context;
  const { rosters, store } = services;
  const effects = await store.transaction(() => {
    const item = rosters.item(call.user, contact);
    if (!item.listed) return undefined;
    const version = rosters.remove(call.user, item);
    const flow = new SubscriptionFlow(services);
    flow.effects.push(rosterPush(call.user, { contact, removed: 0 }, version));
    severSubscriptions(flow, services, call.user, item);
    return flow.effects;
  });
  if (effects === undefined) throw new StanzaError('item-not-found');
  context.before(...effects);
}

export const handler: Handler = {
  name: 'roster',
  iq: [{ namespace: ROSTER, element: 'query', targets: ['account'] }],
  features: () => ({ server: [ROSTER] }),

  handleIq(call, context): Answer {
    return call.type === 'get' ? get(call, context) : set(call, context);
  },

  async selfTest(bench) {
    const item = '<item jid="bob@example.org" name="B"><group>g</group></item>';
    const added = await bench.iq('set', `<query xmlns="${ROSTER}">${item}</query>`);
    assert.equal(added.answer.attrs.type, 'result');
    const { answer } = await bench.iq('get', `<query xmlns="${ROSTER}" ver=""/>`);
    const items = answer.getChild('query', ROSTER)?.getChildren('item') ?? [];
    assert.equal(items.length, 1);
    assert.equal(items[0]?.attrs.name, 'B');
    const gone = '<item jid="bob@example.org" subscription="remove"/>';
    await bench.iq('set', `<query xmlns="${ROSTER}">${gone}</query>`);
    assert.deepEqual(bench.services.rosters.listed('ann'), []);
  },
};
