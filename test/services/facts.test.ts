// What the engine is told before the listeners open: accounts, contacts with their bits, block
// lists, and the mailboxes of those who have gone.

import assert from 'node:assert/strict';
import { removeAccount } from '../../src/services/account-removal.js';
import { Facts } from '../../src/services/facts.js';
import { deriveCredentials } from '../../src/services/scram.js';
import { SubscriptionFlow } from '../../src/services/subscriptions.js';
import { TestServices } from '../helpers.js';

describe('facts', () => {
  let test: TestServices;
  beforeEach(async () => {
    test = new TestServices();
    await test.addUsers('ann', 'bob', 'cat');
  });
  afterEach(() => test.close());

  function told(): string[] {
    return [...new Facts(test.services).everything()].map((command) => {
      if (command.kind === 'PutContact') {
        return `${command.user} ${command.contact} ${command.subscription}`;
      }
      if (command.kind === 'PutBlockList') return `${command.user} blocks ${command.addresses}`;
      return 'user' in command ? `${command.kind} ${command.user}` : command.kind;
    });
  }

  it('tells of every account, and hides presence from the blocked', async () => {
    await test.services.store.transaction(() => {
      const flow = new SubscriptionFlow(test.services);
      const stanza = '<presence/>';
      flow.send({ user: 'ann', contact: 'bob@example.org', type: 'subscribe', stanza });
      flow.send({ user: 'bob', contact: 'ann@example.org', type: 'subscribed', stanza });
    });
    assert.deepEqual(told(), [
      'PutAccount ann',
      'ann bob@example.org 1',
      'PutAccount bob',
      'bob ann@example.org 2',
      'PutAccount cat',
    ]);
    await test.services.store.transaction(() => test.services.blocks.save('bob', ['example.org']));
    assert.ok(told().includes('bob ann@example.org 0'));
    assert.ok(told().includes('bob blocks example.org'));
  });

  it('empties the mailbox of a removed account before the name is another’s', async () => {
    await removeAccount(test.services, 'cat');
    assert.equal(told()[0], 'RemoveAccount cat');
    await test.services.accounts.forgetRemoved(['cat']);
    assert.ok(!told().includes('RemoveAccount cat'));
  });

  it('does not empty the mailbox of an account made again while the server ran', async () => {
    await removeAccount(test.services, 'cat');
    const credentials = await deriveCredentials('pw', 4096);
    await test.services.accounts.write([{ user: 'cat', credentials }], 'add');
    assert.deepEqual(told(), ['PutAccount ann', 'PutAccount bob', 'PutAccount cat']);
  });

  it('reads a fact when it is pushed, not when it was made', async () => {
    const effect = { kind: 'RefreshAccount', user: 'ann' } as const;
    const facts = new Facts(test.services);
    assert.equal(facts.resolve([effect])[0]?.kind, 'PutAccount');
    await removeAccount(test.services, 'ann');
    assert.equal(facts.resolve([effect])[0]?.kind, 'RemoveAccount');
  });
});
