// Who sees what: the settings, their defaults, and the handlers that go by them.

import assert from 'node:assert/strict';
import { condition, Harness } from './harness.js';

const PRIVACY = 'urn:rookery:privacy:1';
const LAST = "<query xmlns='jabber:iq:last'/>";
const CARD = "<vCard xmlns='vcard-temp'/>";
// Accounts of people who have registered by number.
const EVE = '12015550101';
const FAY = '12015550102';
const at = (user: string) => ({ to: `${user}@example.org` });

describe('privacy', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = new Harness();
    await harness.start('ann', 'bob', EVE, FAY);
    await harness.services.store.transaction(() => {
      for (const user of [EVE, FAY]) harness.services.numbers.add(user);
    });
  });
  afterEach(() => harness.close());

  const choose = (user: string, choices: string) =>
    harness.iq(user, 'set', `<privacy xmlns='${PRIVACY}' ${choices}/>`);
  const read = async (user: string) =>
    (await harness.iq(user, 'get', `<privacy xmlns='${PRIVACY}'/>`)).getChild('privacy', PRIVACY)
      ?.attrs;
  const last = async (asker: string, user: string, online = false) =>
    condition(await harness.iq(asker, 'get', LAST, { ...at(user), online }));
  const contact = (user: string, other: string) =>
    harness.iq(
      user,
      'set',
      `<query xmlns='jabber:iq:roster'><item jid='${other}@example.org'/></query>`,
    );

  it('shows numbers to everyone, and presence of XMPP accounts to contacts', async () => {
    const everyone = { 'profile-picture': 'everyone', about: 'everyone' };
    assert.deepEqual(await read(EVE), {
      xmlns: PRIVACY,
      'last-seen': 'everyone',
      online: 'everyone',
      ...everyone,
    });
    assert.deepEqual(await read('ann'), {
      xmlns: PRIVACY,
      'last-seen': 'contacts',
      online: 'contacts',
      ...everyone,
    });
    assert.equal(await last(EVE, FAY), '');
    assert.equal(await last(EVE, 'ann'), 'forbidden');
    assert.equal(await last(EVE, 'ann', true), 'forbidden');
  });

  it('changes what is named and refuses what it does not know', async () => {
    await choose(EVE, "last-seen='nobody'");
    await choose(EVE, "about='contacts'");
    const settings = await read(EVE);
    assert.equal(settings?.['last-seen'], 'nobody');
    assert.equal(settings?.about, 'contacts');
    assert.equal(settings?.online, 'everyone');
    assert.equal(condition(await choose(EVE, "online='friends'")), 'bad-request');
    assert.equal(condition(await choose(EVE, "shoe-size='nobody'")), 'bad-request');
    const other = await harness.iq('ann', 'get', `<privacy xmlns='${PRIVACY}'/>`, at(EVE));
    assert.equal(condition(other), 'service-unavailable');
  });

  it('lets contacts see, whether listed or subscribed', async () => {
    await choose(EVE, "last-seen='contacts'");
    assert.equal(await last(FAY, EVE), 'forbidden');
    await contact(EVE, FAY);
    assert.equal(await last(FAY, EVE), '');
    assert.equal(await last('ann', EVE), 'forbidden');
  });

  it('does not show last seen to those who hide theirs, and never to the blocked', async () => {
    await choose(FAY, "last-seen='nobody'");
    assert.equal(await last(FAY, EVE), 'forbidden');
    assert.equal(await last(EVE, FAY), 'forbidden');
    await choose(FAY, "last-seen='contacts'");
    assert.equal(await last(FAY, EVE), 'forbidden');
    await contact(FAY, EVE);
    assert.equal(await last(FAY, EVE), '');
    await harness.services.store.transaction(() => {
      harness.services.blocks.save(EVE, [`${FAY}@example.org`]);
    });
    // As one gets who asks for an account that does not exist: it must not tell of the block.
    assert.equal(await last(FAY, EVE), 'forbidden');
    for (const aspect of ['last-seen', 'online', 'profile-picture', 'about'] as const) {
      assert.equal(harness.services.privacy.shows(EVE, aspect, `${FAY}@example.org`), false);
    }
  });

  it('keeps online apart from last seen', async () => {
    await harness.services.documents.seen(EVE, 'before');
    const text = async () =>
      (await harness.iq(FAY, 'get', LAST, { ...at(EVE), online: true })).getChildText('query');
    assert.equal(await text(), '');
    await choose(EVE, "online='nobody'");
    assert.equal(await text(), 'before');
    await choose(EVE, "online='everyone' last-seen='nobody'");
    assert.equal(await last(FAY, EVE, true), '');
    assert.equal(await last(FAY, EVE, false), 'forbidden');
    assert.equal(await last(FAY, 'nobody-of-that-name'), 'forbidden');
  });

  it('takes presence away from contacts while online is hidden from all', async () => {
    await harness.presence('ann', 'subscribe', 'bob@example.org');
    await harness.presence('bob', 'subscribed', 'ann@example.org');
    await choose('bob', "online='nobody'");
    assert.deepEqual(harness.contactFacts(), { 'bob→ann': 0 });
    await choose('bob', "online='contacts'");
    assert.deepEqual(harness.contactFacts(), { 'bob→ann': 2 });
    await choose('bob', "about='nobody'");
    assert.deepEqual(harness.contactFacts(), {});
  });

  it('leaves picture and description out of the card of those who hide them', async () => {
    const photo = '<PHOTO><TYPE>image/png</TYPE><BINVAL>iVBORw0KGgo=</BINVAL></PHOTO>';
    await harness.iq(
      EVE,
      'set',
      `<vCard xmlns='vcard-temp'><FN>Eve</FN>${photo}<DESC>busy</DESC></vCard>`,
    );
    const seen = async (asker: string) =>
      (await harness.iq(asker, 'get', CARD, at(EVE)))
        .getChild('vCard')
        ?.children.map((each) => (typeof each === 'string' ? each : each.name));
    assert.deepEqual(await seen(FAY), ['FN', 'PHOTO', 'DESC']);
    await choose(EVE, "profile-picture='nobody' about='contacts'");
    assert.deepEqual(await seen(FAY), ['FN']);
    await contact(EVE, FAY);
    assert.deepEqual(await seen(FAY), ['FN', 'DESC']);
    assert.deepEqual(await seen(EVE), ['FN', 'PHOTO', 'DESC']);
  });

  it('forgets the settings with the account', async () => {
    await choose(EVE, "online='nobody'");
    await harness.iq(EVE, 'set', "<query xmlns='jabber:iq:register'><remove/></query>");
    assert.equal(harness.services.numbers.has(EVE), false);
    assert.equal(harness.services.privacy.hidesOnline(EVE), false);
  });
});
