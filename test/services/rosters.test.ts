// Rosters: versions, changes since one, marks of removed items.

import assert from 'node:assert/strict';
import { isRemovedMark } from '../../src/services/rosters.js';
import { TestServices } from '../helpers.js';

describe('rosters', () => {
  let test: TestServices;
  beforeEach(() => {
    test = new TestServices();
  });
  afterEach(() => test.close());

  async function add(contact: string, name = ''): Promise<void> {
    const { rosters, store } = test.services;
    await store.transaction(() => {
      rosters.save('ann', { ...rosters.item('ann', contact), name, listed: true }, true);
    });
  }

  async function remove(contact: string): Promise<void> {
    const { rosters, store } = test.services;
    await store.transaction(() => rosters.remove('ann', rosters.item('ann', contact)));
  }

  function changes(version: string): string[] | undefined {
    return test.services.rosters
      .changesSince('ann', version)
      ?.map((change) => (isRemovedMark(change) ? `-${change.contact}` : change.contact));
  }

  it('tells only what has changed since a version', async () => {
    const { rosters } = test.services;
    await add('bob@example.org');
    await add('cat@example.org');
    const version = rosters.version('ann');
    assert.deepEqual(changes(version), []);
    await add('dan@example.org');
    await remove('bob@example.org');
    await add('cat@example.org', 'Cat');
    assert.deepEqual(changes(version), ['dan@example.org', '-bob@example.org', 'cat@example.org']);
    assert.deepEqual(rosters.counts('ann'), { items: 2, requests: 0 });
  });

  it('sends everything for a version it does not know', async () => {
    await add('bob@example.org');
    assert.equal(changes(''), undefined);
    assert.equal(changes('someone-else-1'), undefined);
    assert.equal(changes(test.services.rosters.version('ann').replace(/\d+$/u, '99')), undefined);
  });

  it('forgets old marks and then sends everything', async () => {
    await add('bob@example.org');
    const version = test.services.rosters.version('ann');
    const { rosters, store } = test.services;
    await store.transaction(() => {
      for (let index = 0; index < 250; index++) {
        const item = { ...rosters.item('ann', `c${index}@example.org`), listed: true };
        rosters.remove('ann', rosters.save('ann', item, true));
      }
    });
    assert.equal(changes(version), undefined);
    assert.deepEqual(rosters.counts('ann'), { items: 1, requests: 0 });
  });

  it('keeps a request out of sight', async () => {
    const { rosters, store } = test.services;
    const version = rosters.version('ann');
    await store.transaction(() => {
      const item = rosters.item('ann', 'bob@example.org');
      rosters.save('ann', { ...item, pendingIn: true, request: '<presence/>' }, false);
    });
    assert.deepEqual(rosters.listed('ann'), []);
    assert.equal([...rosters.all('ann')].length, 1);
    assert.equal(rosters.counts('ann').requests, 1);
    assert.equal(rosters.version('ann').replace(/.*-/u, ''), version);
  });

  it('takes addresses longer than a key of the store', async () => {
    const long = `${'x'.repeat(1000)}@example.org`;
    await add(long);
    assert.equal(test.services.rosters.item('ann', long).listed, true);
    assert.deepEqual(
      test.services.rosters.listed('ann').map(({ contact }) => contact),
      [long],
    );
  });
});
