// What people see of each other, end to end: two phones over the real server.

import assert from 'node:assert/strict';
import { joinAccount, RegistrationError, RequestFailed } from '../../src/sdk/index.js';
import { eventually, newNumber, Phone, phoneServer, registered } from './support/phone.js';
import type { TestServer } from './support/server.js';

const PNG = new Uint8Array(Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1'));

describe('people', function () {
  this.timeout(60_000);
  let server: TestServer;
  let ann: Phone;
  let bob: Phone;
  const numbers = [newNumber(), newNumber()] as const;

  before(async () => {
    server = await phoneServer({ limits: { discoveryNumbersPerDay: 600 } });
    const [first, second] = numbers;
    ann = await (await Phone.open(await registered(server, first))).online();
    bob = await (await Phone.open(await registered(server, second), 'WebSocket')).online();
  });
  after(async () => {
    await ann?.client.close();
    await bob?.client.close();
    await server?.remove();
  });

  const refusal = async (work: Promise<unknown>): Promise<RequestFailed> => {
    const error = await work.then(
      () => undefined,
      (why: unknown) => why,
    );
    assert.ok(error instanceof RequestFailed, String(error));
    return error;
  };

  it('shows name, about and picture, and keeps them over a restart', async () => {
    assert.deepEqual(await bob.client.profile(ann.address), {});
    await ann.client.setProfile({ name: 'Ann <&>', about: 'At work', picture: PNG });
    const expected = {
      name: 'Ann <&>',
      about: 'At work',
      picture: { type: 'image/png', data: PNG },
    };
    assert.deepEqual(await bob.client.profile(numbers[0]), expected);
    await server.kill();
    await server.restart();
    await ann.online();
    await eventually('bob is online again', () => bob.client.state === 'online');
    assert.deepEqual(await bob.client.profile(numbers[0]), expected);
    assert.deepEqual(await ann.client.profile(), expected);
  });

  it('hides what the settings hide, from those they hide it from', async () => {
    assert.deepEqual(await ann.client.privacy(), {
      lastSeen: 'everyone',
      online: 'everyone',
      picture: 'everyone',
      about: 'everyone',
    });
    await eventually('bob sees ann online', async () => {
      return (await bob.client.lastSeen(ann.address))?.online === true;
    });
    const hidden = { lastSeen: 'contacts', online: 'contacts', about: 'contacts' } as const;
    await ann.client.setPrivacy({ ...hidden, picture: 'nobody' });
    assert.equal(await bob.client.lastSeen(ann.address), undefined);
    assert.deepEqual(await bob.client.profile(ann.address), { name: 'Ann <&>' });
    await ann.client.addContact(numbers[1], 'Bob');
    assert.deepEqual(await ann.client.contacts(), [{ peer: bob.address, name: 'Bob' }]);
    assert.deepEqual(await bob.client.lastSeen(ann.address), { online: true });
    assert.deepEqual(await bob.client.profile(ann.address), { name: 'Ann <&>', about: 'At work' });
    await ann.client.removeContact(numbers[1]);
    assert.equal(await bob.client.lastSeen(ann.address), undefined);
    await ann.client.setPrivacy({ lastSeen: 'everyone', online: 'everyone' });
  });

  it('finds registered numbers, except of those who have blocked the asker', async () => {
    const stranger = newNumber();
    const [first, second] = numbers;
    assert.deepEqual(await bob.client.discover([first, stranger]), [
      { number: first, peer: ann.address },
    ]);
    await ann.client.block(second);
    assert.deepEqual(await bob.client.discover([first, stranger]), []);
    assert.equal(await bob.client.lastSeen(first), undefined);
    assert.deepEqual(await bob.client.profile(first), {});
    await ann.client.unblock(second);
    assert.equal((await bob.client.discover([first])).length, 1);
  });

  it('says when to ask again once too many numbers were asked', async () => {
    const many = Array.from(
      { length: 700 },
      (_, index) => `+4915${String(index).padStart(9, '0')}`,
    );
    const error = await refusal(ann.client.discover(many));
    assert.equal(error.condition, 'resource-constraint');
    assert.ok((error.retryAfterSeconds ?? 0) > 0, String(error.retryAfterSeconds));
    assert.ok((await bob.client.discover([numbers[0]])).length === 1);
  });

  it('links a further device, tells it of changed lists, and removes it', async () => {
    const { code, expiresInSeconds } = await bob.client.linkDevice();
    assert.ok(expiresInSeconds > 0);
    const joined = await joinAccount(server.httpUrl, code, 'a tablet');
    await assert.rejects(joinAccount(server.httpUrl, code, 'a thief'), (error) => {
      assert.ok(error instanceof RegistrationError);
      return error.status === 403;
    });
    const tablet = await (await Phone.open(joined)).online();
    try {
      assert.equal(tablet.address, bob.address);
      // Their answers come behind the tablet's presence: it is sent messages from here on.
      await tablet.client.contacts();
      await tablet.client.blocked();
      await ann.client.send(bob.address, 'to both');
      await tablet.shows(['to both']);
      await eventually('the phone shows it, too', () => bob.shown.at(-1) === 'to both');
      const lists: string[] = [];
      tablet.client.on('list', (list) => lists.push(list));
      await bob.client.addContact(ann.address, 'Ann');
      await bob.client.block(newNumber());
      await eventually('both changes are told', () => lists.length >= 2);
      assert.deepEqual(lists, ['contacts', 'blocked']);
      const devices = await bob.client.devices();
      assert.deepEqual(
        devices.map(({ name, current }) => [name, current]),
        [
          ['a phone', true],
          ['a tablet', false],
        ],
      );
      assert.ok(Math.abs((devices[1]?.since.getTime() ?? 0) - Date.now()) < 60_000);
      await bob.client.removeDevice(joined.device);
      await eventually('the tablet is told', () => tablet.refused !== undefined);
      assert.equal(tablet.refused?.condition, 'not-authorized');
      assert.equal((await bob.client.devices()).length, 1);
    } finally {
      await tablet.client.close();
    }
  });
});
