// Clients that people have: @xmpp/client and slixmpp, over STARTTLS and direct TLS. They put each
// other in their rosters, talk, go offline, get what was sent meanwhile, and take up a stream whose
// connection was cut: by the client's side, and by a network that swallowed bytes before it did so.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { CuttingProxy } from './support/cutting-proxy.js';
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
  const proxies: CuttingProxy[] = [];

  before(async () => {
    const accounts = cases.flatMap(({ first, security }, index) => [
      ...[`ann${index}`, `bob${index}`],
      ...[`cut-${first}-${security}`, `far-${first}-${security}`],
    ]);
    server = await TestServer.start({ config: { xmpp: { starttls: 'required' } }, accounts });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.quit()));
    for (const proxy of proxies.splice(0)) proxy.close();
  });
  after(() => server.remove());

  async function login(
    kind: ClientKind,
    user: string,
    security: ClientSecurity,
    port?: number,
  ): Promise<DrivenClient> {
    const client = new DrivenClient(kind, server, user, PASSWORD, security, port);
    open.push(client);
    await client.hear('online');
    return client;
  }

  async function deliver(from: DrivenClient, to: DrivenClient, body: string): Promise<void> {
    from.tell({ do: 'send', to: to.address, body });
    const heard = await to.hear('message');
    assert.deepEqual([heard.sender, heard.body], [from.address, body]);
  }

  /** Every message was asked for: none came twice. */
  async function nothingMore(...clients: DrivenClient[]): Promise<void> {
    await sleep(200);
    for (const client of clients) assert.deepEqual(client.left('message'), []);
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
      await nothingMore(ann, bob);
    });
  }

  for (const kind of ['xmppjs', 'slixmpp'] as const) {
    for (const security of securities) {
      it(`${kind} over ${security}: what a dying connection swallowed`, async () => {
        const proxy = await CuttingProxy.start(
          security === 'direct' ? server.tlsPort : server.port,
        );
        proxies.push(proxy);
        const users = [`cut-${kind}-${security}`, `far-${kind}-${security}`] as const;
        const far = await login(kind === 'xmppjs' ? 'slixmpp' : 'xmppjs', users[1], security);
        const near = await login(kind, users[0], security, proxy.port);
        await deliver(far, near, 'before');
        await deliver(near, far, 'before');

        for (const round of ['first', 'second']) {
          const bodies = ['a', 'b', 'c'].map((letter) => `${round} ${letter}`);
          const taken = proxy.taken;
          const swallowed = proxy.swallow();
          for (const body of bodies) far.tell({ do: 'send', to: near.address, body });
          near.tell({ do: 'send', to: far.address, body: `${round} from the dying` });
          await swallowed;
          await sleep(300);
          // Nobody may take what TCP has acknowledged to the proxy for received.
          assert.deepEqual([...near.left('message'), ...far.left('message')], []);
          proxy.reset();
          await near.hear('resumed');
          assert.equal(proxy.taken, taken + 1);
          for (const body of bodies) assert.equal((await near.hear('message')).body, body);
          assert.equal((await far.hear('message')).body, `${round} from the dying`);
          await deliver(far, near, `${round}, here again`);
          await deliver(near, far, `${round}, here again`);
        }
        await nothingMore(near, far);
      });
    }
  }

  it('slixmpp’s plugins ask the server about itself and change the password', async () => {
    let ann = await login('slixmpp', 'ann0', 'direct');
    ann.tell({ do: 'ask' });
    const told = await ann.hear('told');
    assert.equal(told.version, 'Rookery');
    assert.ok(Number(told.seconds) >= 0);
    assert.deepEqual(told.own, [['account', 'registered']]);
    assert.deepEqual([told.items, told.blocked], [0, ['pest@example.org']]);
    const features = told.features as string[];
    for (const wanted of ['urn:xmpp:ping', 'jabber:iq:version', 'urn:xmpp:carbons:2']) {
      assert.ok(features.includes(wanted), wanted);
    }
    ann.tell({ do: 'password', password: 'another' });
    await ann.hear('changed');
    await ann.quit();
    ann = new DrivenClient('slixmpp', server, 'ann0', 'another', 'direct');
    open.push(ann);
    await ann.hear('online');
  });

  it('a wrong password is refused', async () => {
    const client = new DrivenClient('slixmpp', server, 'ann0', 'wrong', 'direct');
    open.push(client);
    await client.hear('failed');
  });
});
