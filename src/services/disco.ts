// What the server and its accounts say of themselves in service discovery (XEP-0030), and the hash
// under which clients remember it (XEP-0115).

import { createHash } from 'node:crypto';
import { type Element, xml } from '../base/xml.js';

export const DISCO_INFO = 'http://jabber.org/protocol/disco#info';
export const DISCO_ITEMS = 'http://jabber.org/protocol/disco#items';

/** The node of the server's entity capabilities. */
export const CAPS_NODE = 'urn:rookery:server';

/** What the engine does without asking a handler. */
const ENGINE_SERVER_FEATURES = ['msgoffline', 'urn:xmpp:carbons:2', 'urn:xmpp:ping'];

const identities = {
  server: { category: 'server', type: 'im', name: 'Rookery' },
  account: { category: 'account', type: 'registered' },
} as const;

/** The identity and features of the server or of an account, as one `<query/>`. */
export function discoInfo(
  kind: 'server' | 'account',
  features: readonly string[],
  node: string | undefined,
): Element {
  return xml(
    'query',
    { xmlns: DISCO_INFO, node },
    xml('identity', identities[kind]),
    ...allFeatures(kind, features).map((feature) => xml('feature', { var: feature })),
  );
}

function allFeatures(kind: 'server' | 'account', features: readonly string[]): string[] {
  const own = kind === 'server' ? ENGINE_SERVER_FEATURES : [];
  return [...new Set([...own, ...features])].sort();
}

/** The verification string of XEP-0115 §5 for the server. */
export function capsVersion(features: readonly string[]): string {
  const { category, type, name } = identities.server;
  // The specification sorts by octets; all of these are ASCII, where that is the order of sort().
  const text = `${category}/${type}//${name}<${allFeatures('server', features).join('<')}<`;
  return createHash('sha1').update(text).digest('base64');
}
