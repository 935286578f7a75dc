// Clients that people have: @xmpp/client and slixmpp, over STARTTLS and direct TLS. They put each
// other in their rosters, talk, go offline, get what was sent meanwhile, and take up a stream whose
// connection was cut.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientKind, type ClientSecurity, DrivenClient } from './support/driven-client.js';
import { PASSWORD, TestServer } from './support/server.js';

const pairs: readonly (readonly [ClientKind, ClientKind])[] = [
  ['xmppjs', 'slixmpp'],
  ['slixmpp', 'xmppjs'],
];
const securities: readonly ClientSecurity[] = ['starttls', 'direct'];
const cases = pairs.flatMap(([first, second]) =>
  securities.map((security) => ({ first, second, security })),
);

describe('real clients', function () {
  this.timeout(60_000);
  let server: TestServer;
  const open: DrivenClient[] = [];

  before(async () => {
    const accounts = cases.flatMap((_, index) => [`ann${index}`, `bob${index}`]);
    server = await TestServer.start({ config: { xmpp: { starttls: 'required' } }, accounts });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.quit()));
  });
  after(() => server.remove());

  async function login(
    kind: ClientKind,
    user: string,
    security: ClientSecurity,
  ): Promise<DrivenClient> {
    const client = new DrivenClient(kind, server, user, PASSWORD, security);
    open.push(client);
    await client.hear('online');
    return client;
  }

  async function deliver(from: DrivenClient, to: DrivenClient, body: string): Promise<void> {
    from.tell({ do: 'send', to: to.address, body });
    const heard = await to.hear('message');
    assert.deepEqual([heard.sender, heard.body], [from.address, body]);
  }

  async function befriend(first: DrivenClient, second: DrivenClient): Promise<void> {
    for (const [asker, answerer] of [
      [first, second],
      [second, first],
    ] as const) {
      asker.tell({ do: 'subscribe', to: answerer.address });
      assert.equal((await answerer.hear('subscribe')).sender, asker.address);
      answerer.tell({ do: 'approve', to: asker.address });
      assert.equal((await asker.hear('subscribed')).sender, answerer.address);
    }
    for (const [one, other] of [
      [first, second],
      [second, first],
    ] as const) {
      one.tell({ do: 'roster' });
      assert.deepEqual((await one.hear('roster')).contacts, { [other.address]: 'both' });
    }
  }

  for (const [index, { first, second, security }] of cases.entries()) {
    it(`${first} and ${second} over ${security}`, async () => {
      const ann = await login(first, `ann${index}`, security);
      let bob = await login(second, `bob${index}`, security);
      await befriend(ann, bob);
      await deliver(ann, bob, 'hello <&> \u{1F426}');
      await deliver(bob, ann, 'and back');

      await bob.quit();
      for (const body of ['one', 'two', 'three']) ann.tell({ do: 'send', to: bob.address, body });
      await sleep(300);
      bob = await login(second, `bob${index}`, security);
      for (const body of ['one', 'two', 'three']) {
        const heard = await bob.hear('message');
        assert.deepEqual([heard.body, heard.delayed], [body, true]);
      }

      for (const [cut, other] of [
        [bob, ann],
        [ann, bob],
      ] as const) {
        cut.tell({ do: 'cut' });
        await cut.hear('disconnected');
        other.tell({ do: 'send', to: cut.address, body: 'while you were cut off' });
        await cut.hear('resumed');
        assert.equal((await cut.hear('message')).body, 'while you were cut off');
        await deliver(cut, other, 'here again');
      }
      await sleep(200);
      assert.deepEqual([...ann.left('message'), ...bob.left('message')], []);
    });
  }

  it('a wrong password is refused', async () => {
    const client = new DrivenClient('slixmpp', server, 'ann0', 'wrong', 'direct');
    open.push(client);
    await client.hear('failed');
  });
});
