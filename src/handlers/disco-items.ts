// Service discovery, "what belongs to you" (XEP-0030): nothing yet, which is an answer too.

import assert from 'node:assert/strict';
import { StanzaError } from '../base/stanza-error.js';
import { attribute, xml } from '../base/xml.js';
import { DISCO_ITEMS } from '../services/disco.js';
import type { Handler } from './handler.js';

export const handler: Handler = {
  name: 'disco-items',
  iq: [{ namespace: DISCO_ITEMS, element: 'query', targets: ['server', 'account', 'other'] }],
  features: () => ({ server: [DISCO_ITEMS], account: [DISCO_ITEMS] }),

  handleIq(call, { services }) {
    if (call.type !== 'get') throw new StanzaError('not-allowed');
    const visible =
      call.target !== 'other' || services.rosters.item(call.targetUser, call.own).from;
    if (!visible) throw new StanzaError('service-unavailable');
    return xml('query', { xmlns: DISCO_ITEMS, node: attribute(call.payload, 'node') });
  },

  async selfTest(bench) {
    const { answer } = await bench.iq('get', `<query xmlns="${DISCO_ITEMS}"/>`, {
      to: 'example.org',
    });
    assert.equal(answer.attrs.type, 'result');
  },
};
