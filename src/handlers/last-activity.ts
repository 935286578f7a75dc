// Last activity (XEP-0012): how long the server runs, and when a contact was last here. Only those
// who may see a user's presence may ask.

import assert from 'node:assert/strict';
import { StanzaError } from '../base/stanza-error.js';
import { type Element, xml } from '../base/xml.js';
import type { Handler, HandlerContext, IqCall } from './handler.js';

const LAST = 'jabber:iq:last';

function answer(since: number, status = ''): Element {
  const seconds = Math.max(0, Math.floor((Date.now() - since) / 1000));
  return xml(
    'query',
    { xmlns: LAST, seconds: String(seconds) },
    status === '' ? undefined : status,
  );
}

function ofContact(call: IqCall, { services }: HandlerContext): Element {
  const { accounts, documents, rosters, blocks } = services;
  const allowed =
    rosters.item(call.targetUser, call.own).from && !blocks.blocked(call.targetUser, call.own);
  const account = accounts.get(call.targetUser);
  // A missing account and one that does not want to be seen look the same.
  if (!allowed || account === undefined) throw new StanzaError('forbidden');
  if (call.targetOnline) return answer(Date.now());
  const last = documents.last(call.targetUser);
  return last === undefined ? answer(account.created) : answer(last.at, last.status);
}

export const handler: Handler = {
  name: 'last-activity',
  iq: [{ namespace: LAST, element: 'query', targets: ['server', 'account', 'other'] }],
  features: () => ({ server: [LAST], account: [LAST] }),

  handleIq(call, context) {
    if (call.type !== 'get') throw new StanzaError('not-allowed');
    if (call.target === 'server') return answer(context.services.settings.startedAt);
    return call.target === 'account' ? answer(Date.now()) : ofContact(call, context);
  },

  async selfTest(bench) {
    const query = `<query xmlns="${LAST}"/>`;
    const server = await bench.iq('get', query, { to: 'example.org' });
    assert.match(String(server.answer.getChild('query', LAST)?.attrs.seconds), /^\d+$/u);
    const stranger = await bench.iq('get', query, { to: 'bob@example.org' });
    assert.equal(stranger.answer.attrs.type, 'error');
  },
};
