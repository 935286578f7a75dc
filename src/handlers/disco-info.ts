// Service discovery, "what are you and what can you do" (XEP-0030), of the server and of accounts.

import assert from 'node:assert/strict';
import { StanzaError } from '../base/stanza-error.js';
import { attribute } from '../base/xml.js';
import { CAPS_NODE, capsVersion, DISCO_INFO, discoInfo } from '../services/disco.js';
import type { Handler } from './handler.js';

export const handler: Handler = {
  name: 'disco-info',
  iq: [{ namespace: DISCO_INFO, element: 'query', targets: ['server', 'account', 'other'] }],
  features: () => ({ server: [DISCO_INFO], account: [DISCO_INFO] }),

  handleIq(call, { services, features }) {
    if (call.type !== 'get') throw new StanzaError('not-allowed');
    const node = attribute(call.payload, 'node');
    if (call.target === 'server') {
      const known = node === undefined || node === `${CAPS_NODE}#${capsVersion(features.server)}`;
      if (!known) throw new StanzaError('item-not-found');
      return discoInfo('server', features.server, node);
    }
    if (node !== undefined) throw new StanzaError('item-not-found');
    // RFC 6121 §8.5.1: a stranger does not learn which accounts exist.
    if (call.target === 'other') {
      const { from } = services.rosters.item(call.targetUser, call.own);
      if (!from) throw new StanzaError('service-unavailable');
    }
    return discoInfo('account', features.account, undefined);
  },

  async selfTest(bench) {
    const { answer } = await bench.iq('get', `<query xmlns="${DISCO_INFO}"/>`, {
      to: 'example.org',
    });
    const query = answer.getChild('query', DISCO_INFO);
    assert.equal(query?.getChild('identity')?.attrs.category, 'server');
    assert.ok((query?.getChildren('feature').length ?? 0) > 0);
  },
};
