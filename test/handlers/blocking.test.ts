// Blocking (XEP-0191): the list, its pushes, and what the engine learns and in which order.

import assert from 'node:assert/strict';
import { condition, Harness } from './harness.js';

const NS = 'urn:xmpp:blocking';

describe('blocking handler', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = new Harness({ limits: { maxBlockedAddresses: 3 } });
    await harness.start('ann', 'bob');
  });
  afterEach(() => harness.close());

  const block = (...jids: string[]) =>
    harness.iq(
      'ann',
      'set',
      `<block xmlns='${NS}'>${jids.map((jid) => `<item jid='${jid}'/>`).join('')}</block>`,
    );

  it('keeps a list without doubles and pushes each change', async () => {
    assert.equal(condition(await block('Bob@example.org', 'spam.example')), '');
    const push = harness.sent().find(({ audience }) => audience === 'interested');
    assert.equal(push?.stanza.getChild('block', NS)?.getChildren('item').length, 2);
    await block('bob@example.org');
    const list = await harness.iq('ann', 'get', `<blocklist xmlns='${NS}'/>`);
    const jids = list
      .getChild('blocklist')
      ?.getChildren('item')
      .map(({ attrs }) => attrs.jid);
    assert.deepEqual(jids, ['bob@example.org', 'spam.example']);
    await harness.iq('ann', 'set', `<unblock xmlns='${NS}'><item jid='spam.example'/></unblock>`);
    assert.deepEqual(harness.services.blocks.list('ann'), ['bob@example.org']);
    await harness.iq('ann', 'set', `<unblock xmlns='${NS}'/>`);
    assert.deepEqual(harness.services.blocks.list('ann'), []);
  });

  it('takes presence away before the list hides it, and gives it back after', async () => {
    await harness.presence('bob', 'subscribe', 'ann@example.org');
    await harness.presence('ann', 'subscribed', 'bob@example.org');
    await block('bob@example.org');
    const facts = () =>
      harness
        .commands()
        .filter(({ kind }) => kind.startsWith('Put'))
        .map((command) =>
          command.kind === 'PutContact' ? `PutContact ${command.subscription}` : command.kind,
        );
    assert.deepEqual(facts(), ['PutContact 0', 'PutBlockList']);
    await harness.iq('ann', 'set', `<unblock xmlns='${NS}'/>`);
    assert.deepEqual(facts(), ['PutBlockList', 'PutContact 2']);
  });

  it('refuses what is wrong, and more than the limit', async () => {
    assert.equal(condition(await block()), 'bad-request');
    assert.equal(condition(await block('a@b@c')), 'jid-malformed');
    assert.equal(condition(await block('ann@example.org')), 'not-allowed');
    assert.equal(condition(await block('a@x', 'b@x', 'c@x', 'd@x')), 'policy-violation');
    assert.equal(
      condition(await harness.iq('ann', 'get', `<block xmlns='${NS}'/>`)),
      'bad-request',
    );
  });

  it('answers the blocked as if there was no such account, whatever they ask', async () => {
    // What would be shown to others.
    await harness.iq('ann', 'set', `<vCard xmlns='vcard-temp'><FN>Ann</FN></vCard>`);
    await harness.presence('bob', 'subscribe', 'ann@example.org');
    await harness.presence('ann', 'subscribed', 'bob@example.org');
    const card = `<vCard xmlns='vcard-temp'/>`;
    const at = { to: 'ann@example.org', online: true };
    assert.equal(condition(await harness.iq('bob', 'get', card, at)), '');
    await block('bob@example.org');
    const payloads = [
      card,
      `<profile xmlns='urn:rookery:profile:1'/>`,
      `<query xmlns='jabber:iq:last'/>`,
      `<query xmlns='http://jabber.org/protocol/disco#info'/>`,
      `<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>`,
      `<query xmlns='http://jabber.org/protocol/disco#items'/>`,
      `<query xmlns='jabber:iq:roster'/>`,
      `<query xmlns='urn:example:unknown'/>`,
    ];
    for (const payload of payloads) {
      for (const type of ['get', 'set'] as const) {
        const blocked = await harness.iq('bob', type, payload, at);
        const strange = await harness.iq('bob', type, payload, { to: 'nobody@example.org' });
        const expected = strange.toString().replaceAll('nobody@', 'ann@');
        assert.notEqual(condition(strange), '', payload);
        assert.equal(blocked.toString(), expected, `${type} ${payload}`);
      }
    }
  });
});
