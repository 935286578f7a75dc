// Privacy settings (docs/PROTOCOL.md section 6.4): an account reads and changes who sees what of
// it.

import assert from 'node:assert/strict';
import { StanzaError } from '../base/stanza-error.js';
import { attribute, type Element, xml } from '../base/xml.js';
import {
  PRIVACY_ASPECTS,
  PRIVACY_AUDIENCES,
  type PrivacyAspect,
  type PrivacyAudience,
  type PrivacySettings,
} from '../services/privacy.js';
import type { Handler, HandlerContext, IqCall } from './handler.js';

const PRIVACY = 'urn:rookery:privacy:1';

function changesIn(payload: Element): Partial<PrivacySettings> {
  const changes: Partial<Record<PrivacyAspect, PrivacyAudience>> = {};
  for (const name of Object.keys(payload.attrs).filter((each) => !/^xmlns$|:/u.test(each))) {
    const aspect = PRIVACY_ASPECTS.find((each) => each === name);
    const audience = PRIVACY_AUDIENCES.find((each) => each === attribute(payload, name));
    if (aspect === undefined || audience === undefined) throw new StanzaError('bad-request');
    changes[aspect] = audience;
  }
  return changes;
}

async function set(call: IqCall, { services, before }: HandlerContext): Promise<undefined> {
  const changes = changesIn(call.payload);
  await services.store.transaction(() => services.privacy.save(call.user, changes));
  // Contacts gain or lose sight of the user before the answer says so.
  if (changes.online !== undefined) before({ kind: 'RefreshPrivacy', user: call.user });
}

export const handler: Handler = {
  name: 'privacy',
  iq: [{ namespace: PRIVACY, element: 'privacy', targets: ['account'] }],
  features: () => ({ server: [PRIVACY] }),

  handleIq(call, context) {
    if (call.type === 'set') return set(call, context);
    return xml('privacy', { xmlns: PRIVACY, ...context.services.privacy.settings(call.user) });
  },

  async selfTest(bench) {
    const { effects } = await bench.iq('set', `<privacy xmlns="${PRIVACY}" online="nobody"/>`);
    assert.ok(effects.some(({ kind }) => kind === 'RefreshPrivacy'));
    const { answer } = await bench.iq('get', `<privacy xmlns="${PRIVACY}"/>`);
    assert.equal(answer.getChild('privacy', PRIVACY)?.attrs.online, 'nobody');
    assert.equal(answer.getChild('privacy', PRIVACY)?.attrs['last-seen'], 'contacts');
    const wrong = await bench.iq('set', `<privacy xmlns="${PRIVACY}" online="some"/>`);
    assert.equal(wrong.answer.attrs.type, 'error');
  },
};
