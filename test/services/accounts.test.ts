// Accounts: names, keys, what a second write does, and their end.

import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { removeAccount } from '../../src/services/account-removal.js';
import {
  accountEntries,
  accountsFromJson,
  accountsToJson,
} from '../../src/services/account-wire.js';
import { accountName } from '../../src/services/accounts.js';
import { deriveCredentials, preparePassword } from '../../src/services/scram.js';
import { SubscriptionFlow } from '../../src/services/subscriptions.js';
import { TestServices } from '../helpers.js';

describe('accounts', () => {
  let test: TestServices;
  beforeEach(() => {
    test = new TestServices();
  });
  afterEach(() => test.close());

  it('normalises names and refuses what is none', () => {
    assert.equal(accountName('Alice', 'example.org'), 'alice');
    assert.equal(accountName('Ｂob@Example.org', 'example.org'), 'bob');
    assert.equal(accountName('ÄRGER', 'example.org'), 'ärger');
    for (const bad of [
      '',
      'a b',
      'a@other.org',
      'a/b',
      'a@example.org/x',
      "o'neil",
      'ﬁne',
      'a\u0000',
    ]) {
      assert.equal(accountName(bad, 'example.org'), undefined, bad);
    }
  });

  it('adds once, changes what exists, imports either', async () => {
    const credentials = await deriveCredentials('pw', 4096);
    const { accounts } = test.services;
    const entry = { user: 'ann', credentials };
    assert.deepEqual(await accounts.write([entry], 'change'), ['missing']);
    assert.deepEqual(await accounts.write([entry], 'add'), ['added']);
    assert.deepEqual(await accounts.write([entry], 'add'), ['exists']);
    assert.deepEqual(await accounts.write([entry], 'change'), ['changed']);
    assert.deepEqual(await accounts.write([{ ...entry, user: 'bob' }, entry], 'import'), [
      'added',
      'changed',
    ]);
    assert.deepEqual(
      [...accounts.all()].map(({ user }) => user),
      ['ann', 'bob'],
    );
  });

  it('derives the keys of RFC 5802 and RFC 7677, each with its own salt', async () => {
    const { sha1, sha256 } = await deriveCredentials('pencil', 4096);
    assert.notDeepEqual(sha1.salt, sha256.salt);
    for (const [hash, length, keys] of [
      ['sha1', 20, sha1],
      ['sha256', 32, sha256],
    ] as const) {
      const salted = pbkdf2Sync('pencil', keys.salt, 4096, length, hash);
      const clientKey = createHmac(hash, salted).update('Client Key').digest();
      assert.deepEqual(keys.storedKey, createHash(hash).update(clientKey).digest());
      assert.deepEqual(keys.serverKey, createHmac(hash, salted).update('Server Key').digest());
    }
  });

  it('gives the known keys of the example in RFC 5802 §5', async () => {
    const salt = Buffer.from('QSXCR+Q6sek8bf92', 'base64');
    const { sha1 } = await deriveCredentials('pencil', 4096, () => salt);
    const message =
      'n=user,r=fyko+d2lbbFgONRv9qkxdawL,' +
      'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,' +
      'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j';
    const signature = createHmac('sha1', sha1.serverKey).update(message).digest('base64');
    assert.equal(signature, 'rmF9pqV8S7suAoZWja4dJRkFsKQ=');
  });

  it('prepares passwords', () => {
    assert.equal(preparePassword('I\u00adX'), 'IX');
    assert.equal(preparePassword('\u00aa'), 'a');
    assert.equal(preparePassword('a\u00a0b'), 'a b');
    assert.equal(preparePassword('\u0007'), undefined);
    assert.equal(preparePassword(''), undefined);
  });

  it('travels as JSON without losing a byte', async () => {
    const credentials = await deriveCredentials('pw', 4096);
    const json: unknown = JSON.parse(
      JSON.stringify(accountsToJson([{ user: 'ann', credentials }])),
    );
    const [back] = accountsFromJson(accountEntries.parse(json), 'example.org');
    assert.deepEqual(
      Buffer.from(back?.credentials.sha256.storedKey ?? []),
      credentials.sha256.storedKey,
    );
    assert.throws(() => accountEntries.parse([{ user: 'Ann' }]));
    assert.throws(() => accountsFromJson([{ user: 'Ann', credentials }], 'example.org'));
  });

  it('ends with everything that was kept for it, and its contacts are told', async () => {
    await test.addUsers('ann', 'bob');
    const { store, rosters, accounts, documents } = test.services;
    await store.transaction(() => {
      const flow = new SubscriptionFlow(test.services);
      flow.send({
        user: 'ann',
        contact: 'bob@example.org',
        type: 'subscribe',
        stanza: '<presence/>',
      });
      flow.send({
        user: 'bob',
        contact: 'ann@example.org',
        type: 'subscribed',
        stanza: '<presence/>',
      });
      documents.saveVcard('ann', '<vCard/>');
    });
    assert.equal(rosters.item('bob', 'ann@example.org').from, true);
    const effects = await removeAccount(test.services, 'ann');
    assert.ok(effects?.some((effect) => effect.kind === 'RefreshAccount' && effect.user === 'ann'));
    assert.equal(accounts.exists('ann'), false);
    assert.equal(documents.vcard('ann'), undefined);
    assert.equal(rosters.item('bob', 'ann@example.org').from, false);
    assert.deepEqual([...rosters.all('ann')], []);
    assert.deepEqual([...accounts.removedNames()], ['ann']);
    assert.equal(await removeAccount(test.services, 'ann'), undefined);
  });
});
