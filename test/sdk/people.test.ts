// The client's side of people: what is sent, and what is made of the answers.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  changedList,
  contactChange,
  DISCOVERY_NS,
  findNumbers,
  numberHash,
  PROFILE_NS,
  privacyChange,
  profileChange,
  readFound,
  readPrivacy,
  readProfile,
  readRules,
  retryAfter,
} from '../../src/sdk/people.js';
import { BLOCKING_NS, CLIENT_NS, element, ROSTER_NS } from '../../src/sdk/stanzas.js';

const SALT = Buffer.from('0123456789abcdef');
const rules = { salt: new Uint8Array(SALT), hashBytes: 10, maxNumbers: 500 };

describe('sdk: people', () => {
  it('names only what changes of a profile', () => {
    const change = profileChange({ name: 'Ann', picture: null });
    assert.deepEqual(
      change.children.map((each) => (typeof each === 'string' ? each : [each.name, each.children])),
      [
        ['name', ['Ann']],
        ['picture', ['']],
      ],
    );
    assert.deepEqual(profileChange({}).children, []);
  });

  it('reads a profile, with what is missing left out', () => {
    const picture = element('picture', PROFILE_NS, { type: 'image/png' }, 'AQID');
    const name = element('name', PROFILE_NS, {}, 'Ann');
    assert.deepEqual(readProfile(element('profile', PROFILE_NS, {}, name, picture)), {
      name: 'Ann',
      picture: { type: 'image/png', data: Uint8Array.of(1, 2, 3) },
    });
    assert.deepEqual(readProfile(undefined), {});
  });

  it('takes what it does not know of privacy as hidden', () => {
    const sent = privacyChange({ lastSeen: 'contacts', picture: 'everyone' });
    assert.deepEqual(sent.attributes, { 'last-seen': 'contacts', 'profile-picture': 'everyone' });
    assert.deepEqual(
      readPrivacy({ ...sent, attributes: { ...sent.attributes, about: 'friends' } }),
      {
        lastSeen: 'contacts',
        online: 'nobody',
        picture: 'everyone',
        about: 'nobody',
      },
    );
  });

  it('hashes numbers as the document says', () => {
    const expected = createHash('sha256').update(SALT).update('+12015550101').digest();
    assert.deepEqual(Buffer.from(numberHash('12015550101', rules)), expected.subarray(0, 10));
    const batch = findNumbers(['12015550101', '12015550102'], rules);
    const bytes = Buffer.from(String(batch.children[0]), 'base64');
    assert.equal(bytes.length, 20);
    assert.deepEqual(bytes.subarray(0, 10), expected.subarray(0, 10));
  });

  it('reads rules, finds and refusals, and refuses senseless rules', () => {
    const salt = SALT.toString('base64');
    const attributes = { salt, 'hash-bytes': '10', 'max-numbers': '500' };
    assert.deepEqual(readRules(element('discovery', DISCOVERY_NS, attributes)), rules);
    for (const wrong of [{ 'hash-bytes': '0' }, { 'hash-bytes': '33' }, { 'max-numbers': 'x' }]) {
      const answer = element('discovery', DISCOVERY_NS, { ...attributes, ...wrong });
      assert.throws(() => readRules(answer), JSON.stringify(wrong));
    }
    assert.throws(() => readRules(undefined));
    const user = element('user', DISCOVERY_NS, { jid: '1@example.org' });
    assert.deepEqual(readFound(element('found', DISCOVERY_NS, {}, user)), ['1@example.org']);
    const error = element(
      'error',
      'jabber:client',
      {},
      element('retry', DISCOVERY_NS, { after: '9' }),
    );
    assert.equal(retryAfter(error), 9);
    assert.equal(retryAfter(undefined), undefined);
  });

  it('takes pushes of lists from the own account alone', () => {
    const push = (from: string | undefined, payload: string, xmlns: string) =>
      changedList(
        element('iq', CLIENT_NS, { type: 'set', id: '1', from }, element(payload, xmlns)),
        'me@example.org',
      );
    assert.equal(push(undefined, 'query', ROSTER_NS), 'contacts');
    assert.equal(push('me@example.org', 'query', ROSTER_NS), 'contacts');
    assert.equal(push('me@example.org/d1', 'unblock', BLOCKING_NS), 'blocked');
    assert.equal(push('eve@example.org', 'query', ROSTER_NS), undefined);
    assert.equal(push('eve@example.org', 'block', BLOCKING_NS), undefined);
    assert.equal(push(undefined, 'query', 'jabber:iq:last'), undefined);
  });

  it('removes a contact only when it is told to', () => {
    const item = (name: string | undefined) => {
      const [child] = contactChange('1@example.org', name).children;
      return typeof child === 'object' ? child.attributes : {};
    };
    assert.deepEqual(item(''), { jid: '1@example.org', name: '' });
    assert.deepEqual(item(undefined), { jid: '1@example.org', subscription: 'remove' });
  });
});
