// Devices: their numbers, their tokens, and what goes with the account.

import assert from 'node:assert/strict';
import { removeAccount } from '../../src/services/account-removal.js';
import type { Device } from '../../src/services/devices.js';
import { Facts } from '../../src/services/facts.js';
import { TestServices } from '../helpers.js';

describe('devices', () => {
  let test: TestServices;
  let count = 0;

  beforeEach(async () => {
    count = 0;
    test = new TestServices();
    await test.addUsers('ann');
  });
  afterEach(() => test.close());

  async function add(user = 'ann'): Promise<Device | undefined> {
    count += 1;
    const device = { key: new Uint8Array(32).fill(count), name: 'x', tokenHash: `t${count}` };
    return await test.services.store.transaction(() => test.services.devices.add(user, device));
  }

  it('gives the number that has been free for longest', async () => {
    const { devices, store } = test.services;
    assert.equal((await add())?.id, 1);
    assert.equal((await add())?.id, 2);
    await store.transaction(() => devices.removeAll('ann'));
    assert.equal((await add())?.id, 3);
    for (let id = 4; id <= 250; id++) assert.equal((await add())?.id, id);
    assert.equal((await add())?.id, 1);
    assert.equal((await add())?.id, 2);
    assert.equal(await add(), undefined);
    assert.equal(devices.list('ann').length, 250);
  });

  it('finds a device by its token until it is removed', async () => {
    const { devices, store } = test.services;
    const first = await add();
    const second = await add();
    assert.ok(first && second);
    assert.equal(devices.byToken(first.tokenHash)?.id, first.id);
    assert.equal(await store.transaction(() => devices.remove('ann', first.id)), true);
    assert.equal(await store.transaction(() => devices.remove('ann', first.id)), false);
    assert.equal(devices.byToken(first.tokenHash), undefined);
    assert.equal(devices.byToken(second.tokenHash)?.id, second.id);
  });

  it('tells the engine every key at the start, and each change', async () => {
    await add();
    await add();
    const facts = new Facts(test.services);
    const kinds = [...facts.everything()].map(({ kind }) => kind);
    assert.deepEqual(kinds, ['PutAccount', 'PutDevices']);
    const [fact] = facts.resolve([{ kind: 'RefreshDevices', user: 'ann' }]);
    assert.ok(fact?.kind === 'PutDevices');
    assert.equal(fact.devices.length, 66);
    assert.deepEqual([fact.devices[0], fact.devices[33]], [1, 2]);
    assert.deepEqual([fact.devices[32], fact.devices[65]], [count - 1, count]);
  });

  it('goes with the account', async () => {
    const device = await add();
    await removeAccount(test.services, 'ann');
    assert.deepEqual(test.services.devices.list('ann'), []);
    assert.equal(test.services.devices.byToken(device?.tokenHash ?? ''), undefined);
    const facts = new Facts(test.services);
    assert.deepEqual(facts.resolve([{ kind: 'RefreshDevices', user: 'ann' }]), []);
  });
});
