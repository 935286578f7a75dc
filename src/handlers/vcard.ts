// vCards (XEP-0054): their owner writes them, everyone reads them, but for the picture and the
// description where privacy settings hide them.

import assert from 'node:assert/strict';
import { StanzaError } from '../base/stanza-error.js';
import { type Element, elements, parseXml, xml } from '../base/xml.js';
import type { Answer, Handler, HandlerContext, IqCall } from './handler.js';

const VCARD = 'vcard-temp';

/** The card as somebody may see it. */
function shownCard(stored: string, call: IqCall, { services }: HandlerContext): Element {
  const card = parseXml(stored);
  if (call.target === 'account') return card;
  const hidden = new Set<string>();
  for (const [aspect, name] of [
    ['profile-picture', 'PHOTO'],
    ['about', 'DESC'],
  ] as const) {
    if (!services.privacy.shows(call.targetUser, aspect, call.own)) hidden.add(name);
  }
  for (const child of elements(card)) if (hidden.has(child.name)) card.remove(child);
  return card;
}

function get(call: IqCall, context: HandlerContext): Answer {
  if (call.target === 'server') {
    return xml('vCard', { xmlns: VCARD }, xml('FN', {}, 'Rookery'));
  }
  const stored = context.services.documents.vcard(call.targetUser);
  if (stored !== undefined) return shownCard(stored, call, context);
  // One's own missing card is an empty one; another's is not told from a missing account.
  if (call.target === 'account') return xml('vCard', { xmlns: VCARD });
  throw new StanzaError('service-unavailable');
}

async function set(call: IqCall, { services }: HandlerContext): Promise<undefined> {
  if (call.target !== 'account') throw new StanzaError('forbidden');
  const text = call.payload.toString();
  if (Buffer.byteLength(text) > services.settings.limits.maxVcardBytes) {
    throw new StanzaError('policy-violation', 'The vCard is too large.');
  }
  await services.store.transaction(() => services.documents.saveVcard(call.user, text));
}

export const handler: Handler = {
  name: 'vcard',
  iq: [{ namespace: VCARD, element: 'vCard', targets: ['server', 'account', 'other'] }],
  features: () => ({ server: [VCARD], account: [VCARD] }),

  handleIq(call, context) {
    return call.type === 'get' ? get(call, context) : set(call, context);
  },

  async selfTest(bench) {
    await bench.iq('set', `<vCard xmlns="${VCARD}"><FN>Ann &amp; co</FN></vCard>`);
    const { answer } = await bench.iq('get', `<vCard xmlns="${VCARD}"/>`);
    assert.equal(answer.getChild('vCard', VCARD)?.getChildText('FN'), 'Ann & co');
  },
};
