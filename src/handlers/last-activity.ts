// Last activity (XEP-0012): how long the server runs, and when somebody was last here, as far as
// their privacy settings tell the one who asks.

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

/** Whoever does not show it to the other does not see it of the other. */
function lastSeenShown({ user, own, targetUser }: IqCall, { services }: HandlerContext): boolean {
  const { privacy, settings } = services;
  if (!privacy.shows(targetUser, 'last-seen', own)) return false;
  return privacy.shows(user, 'last-seen', `${targetUser}@${settings.domain}`);
}

function ofOther(call: IqCall, context: HandlerContext): Element {
  const { accounts, documents, privacy } = context.services;
  const account = accounts.get(call.targetUser);
  if (account !== undefined && call.targetOnline) {
    if (privacy.shows(call.targetUser, 'online', call.own)) return answer(Date.now());
  }
  // A missing account and one that does not want to be seen look the same.
  if (account === undefined || !lastSeenShown(call, context)) throw new StanzaError('forbidden');
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
    return call.target === 'account' ? answer(Date.now()) : ofOther(call, context);
  },

  async selfTest(bench) {
    const query = `<query xmlns="${LAST}"/>`;
    const server = await bench.iq('get', query, { to: 'example.org' });
    assert.match(String(server.answer.getChild('query', LAST)?.attrs.seconds), /^\d+$/u);
    const stranger = await bench.iq('get', query, { to: 'bob@example.org' });
    assert.equal(stranger.answer.attrs.type, 'error');
  },
};
