// Presence subscriptions between users (RFC 6121 §3), and the requests that wait for a device.

import assert from 'node:assert/strict';
import { toSession } from '../services/effects.js';
import { plainSubscription, SubscriptionFlow } from '../services/subscriptions.js';
import type { Handler } from './handler.js';

export const handler: Handler = {
  name: 'subscriptions',

  async handleSubscription(request, { services, before }) {
    const flow = new SubscriptionFlow(services);
    await services.store.transaction(() => flow.send(request));
    before(...flow.effects);
  },

  /** §3.1.3: a request is delivered again at each login, until it is answered. */
  async handleAvailable({ user, session }, { services, before }) {
    for (const { pendingIn, request } of services.rosters.all(user)) {
      if (pendingIn && request !== '') before(toSession(user, session, request));
    }
  },

  async selfTest(bench) {
    const ann = 'ann@example.org';
    const bob = 'bob@example.org';
    const stanza = plainSubscription(ann, bob, 'subscribe');
    await bench.subscription({ user: 'ann', contact: bob, type: 'subscribe', stanza });
    const waiting = await bench.available('bob');
    assert.equal(waiting.length, 1);
    const reply = plainSubscription(bob, ann, 'subscribed');
    await bench.subscription({ user: 'bob', contact: ann, type: 'subscribed', stanza: reply });
    assert.equal(bench.services.rosters.item('ann', bob).to, true);
    assert.equal(bench.services.rosters.item('bob', ann).from, true);
  },
};
