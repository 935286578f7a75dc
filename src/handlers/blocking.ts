// The block list (XEP-0191). It is kept here and enforced by the engine.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { StanzaError } from '../base/stanza-error.js';
import { attribute, type Element, xml } from '../base/xml.js';
import { fullJid, parseJid } from '../engine/jid.js';
import { toInterested } from '../services/effects.js';
import type { Handler, HandlerContext, IqCall } from './handler.js';

const BLOCKING = 'urn:xmpp:blocking';
const ID_BYTES = 6;

function addressesIn(payload: Element): string[] {
  return payload.getChildren('item').map((item) => {
    const jid = parseJid(attribute(item, 'jid') ?? '');
    if (jid === undefined) throw new StanzaError('jid-malformed');
    return fullJid(jid);
  });
}

function listElement(name: string, addresses: readonly string[]): Element {
  return xml(name, { xmlns: BLOCKING }, ...addresses.map((jid) => xml('item', { jid })));
}

async function change(
  call: IqCall,
  context: HandlerContext,
  next: (list: readonly string[]) => readonly string[],
): Promise<undefined> {
  const { services, before, after } = context;
  const { maxBlockedAddresses } = services.settings.limits;
  const fits = await services.store.transaction(() => {
    const list = next(services.blocks.list(call.user));
    if (list.length > maxBlockedAddresses) return false;
    services.blocks.save(call.user, list);
    return true;
  });
  if (!fits) throw new StanzaError('policy-violation', 'The block list is full.');
  const push = listElement(call.payload.name, addressesIn(call.payload));
  const id = `push-${randomBytes(ID_BYTES).toString('hex')}`;
  before({ kind: 'RefreshBlockList', user: call.user });
  after(toInterested(call.user, xml('iq', { type: 'set', id }, push).toString()));
}

export const handler: Handler = {
  name: 'blocking',
  iq: [
    { namespace: BLOCKING, element: 'blocklist', targets: ['account'] },
    { namespace: BLOCKING, element: 'block', targets: ['account'] },
    { namespace: BLOCKING, element: 'unblock', targets: ['account'] },
  ],
  features: () => ({ server: [BLOCKING] }),

  handleIq(call, context) {
    const { payload, type, user, own } = call;
    if (type !== (payload.name === 'blocklist' ? 'get' : 'set'))
      throw new StanzaError('bad-request');
    if (payload.name === 'blocklist') {
      // Whoever has asked for the list is told of its changes (XEP-0191 §3.2).
      context.before({ kind: 'MarkInterested', user, session: call.session });
      return listElement('blocklist', context.services.blocks.list(user));
    }
    const addresses = addressesIn(payload);
    if (payload.name === 'block') {
      if (addresses.length === 0) throw new StanzaError('bad-request');
      if (addresses.includes(own)) throw new StanzaError('not-allowed');
      return change(call, context, (list) => [...new Set([...list, ...addresses])]);
    }
    if (addresses.length === 0) return change(call, context, () => []);
    return change(call, context, (list) => list.filter((address) => !addresses.includes(address)));
  },

  async selfTest(bench) {
    const item = '<item jid="bob@example.org"/>';
    const { effects } = await bench.iq('set', `<block xmlns="${BLOCKING}">${item}</block>`);
    assert.ok(effects.some(({ kind }) => kind === 'RefreshBlockList'));
    const { answer } = await bench.iq('get', `<blocklist xmlns="${BLOCKING}"/>`);
    assert.equal(answer.getChild('blocklist')?.getChildren('item').length, 1);
    await bench.iq('set', `<unblock xmlns="${BLOCKING}"/>`);
    assert.deepEqual(bench.services.blocks.list('ann'), []);
  },
};
