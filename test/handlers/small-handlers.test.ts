// The handlers that are a page each: discovery, vCard, private storage, last activity, version,
// session, registration; and what happens where no handler answers.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { CAPS_NODE } from '../../src/services/disco.js';
import { condition, Harness } from './harness.js';

const SERVER = { to: 'example.org' };
const BOB = { to: 'bob@example.org' };

describe('handlers', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = new Harness({
      registration: { enabled: true, perAddressPerHour: 2, sender: 'development' },
      limits: { maxVcardBytes: 1024, maxPrivateBytes: 1024, maxPrivateItems: 2 },
    });
    await harness.start('ann', 'bob');
  });
  afterEach(() => harness.close());

  it('discovers the server, with the hash of XEP-0115', async () => {
    const ns = 'http://jabber.org/protocol/disco#info';
    const answer = await harness.iq('ann', 'get', `<query xmlns='${ns}'/>`, SERVER);
    const query = answer.getChild('query', ns);
    const features = query?.getChildren('feature').map(({ attrs }) => String(attrs.var)) ?? [];
    for (const feature of ['urn:xmpp:blocking', 'vcard-temp', 'jabber:iq:register', ns]) {
      assert.ok(features.includes(feature), feature);
    }
    const text = `server/im//Rookery<${[...features].sort().join('<')}<`;
    const node = `${CAPS_NODE}#${createHash('sha1').update(text).digest('base64')}`;
    const byNode = await harness.iq('ann', 'get', `<query xmlns='${ns}' node='${node}'/>`, SERVER);
    assert.equal(byNode.getChild('query')?.attrs.node, node);
    const unknown = await harness.iq('ann', 'get', `<query xmlns='${ns}' node='x'/>`, SERVER);
    assert.equal(condition(unknown), 'item-not-found');
    const items = `<query xmlns='http://jabber.org/protocol/disco#items'/>`;
    assert.equal(condition(await harness.iq('ann', 'get', items, SERVER)), '');
  });

  it('discovers accounts, one’s own and those that share their presence', async () => {
    const query = `<query xmlns='http://jabber.org/protocol/disco#info'/>`;
    const own = await harness.iq('ann', 'get', query);
    assert.equal(own.getChild('query')?.getChild('identity')?.attrs.type, 'registered');
    assert.equal(condition(await harness.iq('ann', 'get', query, BOB)), 'service-unavailable');
    await harness.presence('ann', 'subscribe', 'bob@example.org');
    await harness.presence('bob', 'subscribed', 'ann@example.org');
    assert.equal(condition(await harness.iq('ann', 'get', query, BOB)), '');
  });

  it('keeps vCards that others may read', async () => {
    const card = "<vCard xmlns='vcard-temp'><FN>Ann &amp; Co</FN></vCard>";
    const ask = "<vCard xmlns='vcard-temp'/>";
    assert.equal((await harness.iq('ann', 'get', ask)).getChild('vCard')?.children.length, 0);
    assert.equal(
      condition(await harness.iq('bob', 'get', ask, { to: 'ann@example.org' })),
      'service-unavailable',
    );
    await harness.iq('ann', 'set', card);
    const read = await harness.iq('bob', 'get', ask, { to: 'ann@example.org' });
    assert.equal(read.getChild('vCard', 'vcard-temp')?.getChildText('FN'), 'Ann & Co');
    assert.equal(condition(await harness.iq('ann', 'set', card, BOB)), 'forbidden');
    const large = `<vCard xmlns='vcard-temp'><FN>${'x'.repeat(1100)}</FN></vCard>`;
    assert.equal(condition(await harness.iq('ann', 'set', large)), 'policy-violation');
  });

  it('keeps private pieces apart, and within limits', async () => {
    const wrap = (inner: string) => `<query xmlns='jabber:iq:private'>${inner}</query>`;
    await harness.iq('ann', 'set', wrap("<a xmlns='urn:1'><b/></a>"));
    await harness.iq('ann', 'set', wrap("<a xmlns='urn:2'>two</a>"));
    const first = await harness.iq('ann', 'get', wrap("<a xmlns='urn:1'/>"));
    assert.notEqual(first.getChild('query')?.getChild('a', 'urn:1')?.getChild('b'), undefined);
    const others = await harness.iq('bob', 'get', wrap("<a xmlns='urn:1'/>"));
    assert.equal(others.getChild('query')?.getChild('a')?.children.length, 0);
    for (const [inner, expected] of [
      ["<a xmlns='urn:3'/>", 'policy-violation'],
      [`<a xmlns='urn:1'>${'x'.repeat(1100)}</a>`, 'policy-violation'],
      ["<a xmlns='jabber:client'/>", 'not-acceptable'],
      ['<a/>', 'not-acceptable'],
      ['', 'bad-request'],
    ] as const) {
      assert.equal(condition(await harness.iq('ann', 'set', wrap(inner))), expected, inner);
    }
  });

  it('tells the last activity to those who may see presence', async () => {
    const query = "<query xmlns='jabber:iq:last'/>";
    const seconds = async (options?: { to: string; online?: boolean }) =>
      (await harness.iq('ann', 'get', query, options)).getChild('query')?.attrs.seconds;
    assert.match(await seconds(SERVER), /^\d+$/u);
    assert.equal(condition(await harness.iq('ann', 'get', query, BOB)), 'forbidden');
    await harness.presence('ann', 'subscribe', 'bob@example.org');
    await harness.presence('bob', 'subscribed', 'ann@example.org');
    await harness.services.documents.seen('bob', 'gone fishing');
    const answer = await harness.iq('ann', 'get', query, BOB);
    assert.equal(answer.getChild('query')?.attrs.seconds, '0');
    assert.equal(answer.getChildText('query'), 'gone fishing');
    assert.equal(await seconds({ ...BOB, online: true }), '0');
    await harness.services.store.transaction(() => {
      harness.services.blocks.save('bob', ['ann@example.org']);
    });
    // To who is blocked, the account is one that does not exist.
    const nobody = { ...BOB, to: 'nobody@example.org' };
    assert.equal(condition(await harness.iq('ann', 'get', query, nobody)), 'forbidden');
    assert.equal(condition(await harness.iq('ann', 'get', query, BOB)), 'forbidden');
  });

  it('says its version, and yes to an old session request', async () => {
    const version = await harness.iq('ann', 'get', "<query xmlns='jabber:iq:version'/>", SERVER);
    assert.equal(version.getChild('query')?.getChildText('version'), '1.2.3');
    const session = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>";
    assert.equal(condition(await harness.iq('ann', 'set', session)), '');
  });

  it('answers the unknown with service-unavailable, bad payloads with bad-request', async () => {
    assert.equal(
      condition(await harness.iq('ann', 'get', "<x xmlns='urn:y'/>")),
      'service-unavailable',
    );
    assert.equal(condition(await harness.iq('ann', 'get', '')), 'bad-request');
    assert.equal(condition(await harness.iq('ann', 'get', '<a/><b/>')), 'bad-request');
  });

  it('registers strangers, changes passwords, ends accounts', async () => {
    const ns = 'jabber:iq:register';
    const fields = (user: string, password: string) =>
      `<query xmlns='${ns}'><username>${user}</username><password>${password}</password></query>`;
    const form = await harness.register('get', `<query xmlns='${ns}'/>`);
    assert.notEqual(form.getChild('query', ns)?.getChild('password'), undefined);
    assert.equal(condition(await harness.register('set', fields('Carl', 'pw'))), '');
    assert.ok(
      harness
        .commands()
        .some((command) => command.kind === 'PutAccount' && command.user === 'carl'),
    );
    assert.equal(condition(await harness.register('set', fields('carl', 'pw'))), 'conflict');
    assert.equal(condition(await harness.register('set', fields('a b', 'pw'))), 'not-acceptable');
    assert.equal(condition(await harness.register('set', fields('dora', ''))), 'not-acceptable');
    const number = fields('12015550123', 'pw');
    assert.equal(condition(await harness.register('set', number)), 'not-acceptable');
    assert.equal(condition(await harness.register('set', fields('dora', 'pw'))), '');
    assert.equal(
      condition(await harness.register('set', fields('ed', 'pw'))),
      'resource-constraint',
    );
    const before = harness.services.accounts.get('ann')?.credentials?.sha1.salt;
    assert.equal(condition(await harness.iq('ann', 'set', fields('ann', 'new'))), '');
    assert.notDeepEqual(harness.services.accounts.get('ann')?.credentials?.sha1.salt, before);
    assert.equal(condition(await harness.iq('ann', 'set', fields('bob', 'new'))), 'bad-request');
    await harness.iq('ann', 'set', `<query xmlns='${ns}'><remove/></query>`);
    const kinds = harness.commands().map(({ kind }) => kind);
    assert.equal(kinds.at(0), 'SendToUser');
    assert.equal(kinds.at(-1), 'RemoveAccount');
    assert.equal(harness.services.accounts.exists('ann'), false);
  });
});
