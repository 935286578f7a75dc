// jabber:iq:roster, as a client sees it.

import assert from 'node:assert/strict';
import type { Element } from '../../src/base/xml.js';
import { condition, Harness } from './harness.js';

const NS = 'jabber:iq:roster';

function items(answer: Element): Record<string, string>[] {
  return (answer.getChild('query', NS)?.getChildren('item') ?? []).map(
    ({ attrs }) => attrs as Record<string, string>,
  );
}

describe('roster handler', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = new Harness({ limits: { maxRosterItems: 3 } });
    await harness.start('ann', 'bob');
  });
  afterEach(() => harness.close());

  const set = (item: string): Promise<Element> =>
    harness.iq('ann', 'set', `<query xmlns='${NS}'>${item}</query>`);

  it('gives the list, and marks the session as interested', async () => {
    const answer = await harness.iq('ann', 'get', `<query xmlns='${NS}'/>`);
    assert.deepEqual(items(answer), []);
    assert.equal(answer.attrs.to, 'ann@example.org/r');
    assert.ok(harness.commands().some(({ kind }) => kind === 'MarkInterested'));
  });

  it('adds, changes and pushes to the devices that asked', async () => {
    const answer = await set("<item jid='Bob@example.org/x' name='B'><group>g</group></item>");
    assert.equal(condition(answer), '');
    const push = harness.sent().find(({ audience }) => audience === 'interested');
    assert.equal(push?.stanza.attrs.type, 'set');
    assert.deepEqual(push && items(push.stanza), [
      { jid: 'bob@example.org', name: 'B', subscription: 'none' },
    ]);
    await set("<item jid='bob@example.org' name='&lt;&amp;&quot;'/>");
    const list = await harness.iq('ann', 'get', `<query xmlns='${NS}'/>`);
    assert.equal(items(list)[0]?.name, '<&"');
    assert.equal(list.getChild('query')?.getChild('item')?.getChildren('group').length, 0);
  });

  it('answers a known version with what has changed since', async () => {
    await set("<item jid='bob@example.org'/>");
    const full = await harness.iq('ann', 'get', `<query xmlns='${NS}' ver=''/>`);
    const version = full.getChild('query')?.attrs.ver as string;
    assert.equal(items(full).length, 1);
    const same = await harness.iq('ann', 'get', `<query xmlns='${NS}' ver='${version}'/>`);
    assert.equal(same.children.length, 0);
    assert.equal(harness.sent().length, 1);
    await set("<item jid='cat@example.org'/>");
    await set("<item jid='bob@example.org' subscription='remove'/>");
    const later = await harness.iq('ann', 'get', `<query xmlns='${NS}' ver='${version}'/>`);
    assert.equal(later.children.length, 0);
    const pushes = harness.sent().slice(1);
    assert.deepEqual(
      pushes.map(({ stanza, audience }) => [items(stanza)[0]?.jid, audience]),
      [
        ['cat@example.org', 'session'],
        ['bob@example.org', 'session'],
      ],
    );
    assert.deepEqual(harness.sent()[0]?.stanza.attrs.id, 'q1');
  });

  it('refuses what RFC 6121 §2.3.3 refuses', async () => {
    for (const [item, expected] of [
      ['', 'bad-request'],
      ["<item jid='a@b'/><item jid='c@d'/>", 'bad-request'],
      ["<item jid=''/>", 'jid-malformed'],
      ['<item/>', 'jid-malformed'],
      ["<item jid='ann@example.org'/>", 'not-allowed'],
      ["<item jid='b@c'><group>g</group><group>g</group></item>", 'bad-request'],
      ["<item jid='b@c'><group/></item>", 'not-acceptable'],
      [`<item jid='b@c' name='${'x'.repeat(1024)}'/>`, 'not-acceptable'],
      ["<item jid='nobody@example.org' subscription='remove'/>", 'item-not-found'],
    ] as const) {
      assert.equal(condition(await set(item)), expected, item);
    }
    const foreign = await harness.iq('ann', 'get', `<query xmlns='${NS}'/>`, {
      to: 'bob@example.org',
    });
    assert.equal(condition(foreign), 'service-unavailable');
  });

  it('has a limit', async () => {
    for (const name of ['a', 'b', 'c']) {
      assert.equal(condition(await set(`<item jid='${name}@example.org'/>`)), '');
    }
    assert.equal(condition(await set("<item jid='d@example.org'/>")), 'policy-violation');
    assert.equal(condition(await set("<item jid='c@example.org' name='again'/>")), '');
  });

  it('ends both subscriptions with the contact', async () => {
    await harness.presence('ann', 'subscribe', 'bob@example.org');
    await harness.presence('bob', 'subscribed', 'ann@example.org');
    await harness.presence('bob', 'subscribe', 'ann@example.org');
    await harness.presence('ann', 'subscribed', 'bob@example.org');
    await set("<item jid='bob@example.org' subscription='remove'/>");
    const types = harness
      .sent()
      .filter(({ user, stanza }) => user === 'bob' && stanza.name === 'presence');
    assert.deepEqual(
      types.map(({ stanza }) => stanza.attrs.type),
      ['unsubscribe', 'unsubscribed'],
    );
    assert.deepEqual(harness.contactFacts(), { 'bob→ann': 0, 'ann→bob': 0 });
    assert.deepEqual(harness.services.rosters.listed('ann'), []);
    assert.equal(harness.services.rosters.listed('bob').length, 1);
  });
});
