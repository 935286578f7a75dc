// Private XML storage (XEP-0049): what a client wants to find again on another device.

import assert from 'node:assert/strict';
import { StanzaError } from '../base/stanza-error.js';
import { type Element, elements, parseXml, xml } from '../base/xml.js';
import type { Answer, Handler, HandlerContext, IqCall } from './handler.js';

const PRIVATE = 'jabber:iq:private';

/** Namespaces that mean something to servers must not be shadowed by stored ones (§2.3). */
function keyOf(element: Element): string {
  const namespace = element.attrs.xmlns;
  if (typeof namespace !== 'string' || /^(?:jabber:|vcard-temp$|$)/u.test(namespace)) {
    throw new StanzaError('not-acceptable');
  }
  return `${element.name} ${namespace}`;
}

function get(call: IqCall, { services }: HandlerContext): Answer {
  const children = elements(call.payload);
  const [asked] = children;
  if (asked === undefined || children.length !== 1) throw new StanzaError('bad-request');
  const stored = services.documents.piece(call.user, keyOf(asked));
  const found =
    stored === undefined ? xml(asked.name, { xmlns: String(asked.attrs.xmlns) }) : parseXml(stored);
  return xml('query', { xmlns: PRIVATE }, found);
}

async function set(call: IqCall, { services }: HandlerContext): Promise<undefined> {
  const { documents, settings, store } = services;
  const pieces = elements(call.payload).map((child) => ({
    key: keyOf(child),
    text: child.toString(),
  }));
  if (pieces.length === 0) throw new StanzaError('bad-request');
  if (pieces.some(({ text }) => Buffer.byteLength(text) > settings.limits.maxPrivateBytes)) {
    throw new StanzaError('policy-violation', 'This is too large to be stored.');
  }
  const fits = await store.transaction(() => {
    const added = pieces.filter(({ key }) => documents.piece(call.user, key) === undefined).length;
    if (added > 0 && documents.pieceCount(call.user) + added > settings.limits.maxPrivateItems) {
      return false;
    }
    for (const { key, text } of pieces) documents.savePiece(call.user, key, text);
    return true;
  });
  if (!fits) throw new StanzaError('policy-violation', 'The private storage is full.');
}

export const handler: Handler = {
  name: 'private-storage',
  iq: [{ namespace: PRIVATE, element: 'query', targets: ['account'] }],
  features: () => ({ server: [PRIVATE] }),

  handleIq(call, context) {
    return call.type === 'get' ? get(call, context) : set(call, context);
  },

  async selfTest(bench) {
    await bench.iq('set', `<query xmlns="${PRIVATE}"><a xmlns="urn:b"><c/></a></query>`);
    const { answer } = await bench.iq(
      'get',
      `<query xmlns="${PRIVATE}"><a xmlns="urn:b"/></query>`,
    );
    assert.notEqual(answer.getChild('query')?.getChild('a', 'urn:b')?.getChild('c'), undefined);
  },
};
