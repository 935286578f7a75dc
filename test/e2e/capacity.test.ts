// Full descriptor tables: a shard that is full lets the others take the new connections, a user
// whose own shard is full is told so, nobody who is connected notices, nothing spins, and there is
// room again as soon as somebody has left.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Element } from '../../src/base/xml.js';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';

// Of which each shard needs a dozen for itself and keeps 64 for connections from other shards.
const DESCRIPTORS = 200;
const MOST_ON_A_SHARD = 187;
const KEPT_FOR_ARRIVALS = 64;
const LISTENERS = 3;
const OTHERS = ['bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy', 'ken'];

describe('full descriptor tables', function () {
  this.timeout(60_000);
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start({
      descriptors: DESCRIPTORS,
      config: {
        shards: 2,
        limits: { maxSessionsPerUser: 1000 },
        websocket: { listen: [], directTls: [] },
      },
      accounts: ['ann', ...OTHERS],
    });
  });
  afterEach(async () => {
    await server.remove();
  });

  async function counter(name: string): Promise<number> {
    const { engine } = (await server.status()) as {
      engine?: { counters?: Record<string, number> };
    };
    return engine?.counters?.[name] ?? 0;
  }

  /** Logs in; what the server said instead when it refused. */
  async function tryLogin(user: string, resource: string): Promise<RawClient | Element> {
    const client = new RawClient(server.endpoint, user);
    await client.connect();
    await client.openStream();
    const outcome = await client.tryAuthenticate('SCRAM-SHA-1', 'secret');
    if (outcome.name !== 'success') {
      await client.waitClosed();
      return outcome;
    }
    await client.openStream();
    await client.bind(resource);
    client.send('<presence/>');
    return client;
  }

  async function assertIdle(): Promise<void> {
    await sleep(300);
    const before = server.cpuSeconds();
    await sleep(1000);
    assert.ok(server.cpuSeconds() - before < 0.3, 'a full server is an idle server');
  }

  async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 5000;
    while (!(await holds())) {
      if (Date.now() > deadline) assert.fail(what);
      await sleep(50);
    }
  }

  it('tells a user whose shard is full, and serves everybody else', async () => {
    const devices: RawClient[] = [];
    let refusal: Element | undefined;
    while (refusal === undefined) {
      const next = await tryLogin('ann', `r${devices.length}`);
      if (next instanceof RawClient) devices.push(next);
      else refusal = next;
      assert.ok(devices.length <= MOST_ON_A_SHARD);
    }
    assert.match(refusal.toString(), /stream:error.*<resource-constraint /u);
    // Its listeners went when only the places for arrivals were left, and these are used as well.
    assert.ok(devices.length >= MOST_ON_A_SHARD - LISTENERS, `only ${devices.length}`);
    assert.equal(await counter('home_full'), 1);
    assert.ok((await counter('listeners_dropped')) >= 1);
    await assertIdle();

    const neighbours = await Promise.all(OTHERS.map((user) => tryLogin(user, 'r')));
    const others = neighbours.filter((one) => one instanceof RawClient);
    assert.ok(others.length > 0 && others.length < OTHERS.length, 'homes on both shards');
    const [bob] = others as [RawClient];
    for (const [index, device] of devices.entries()) {
      bob.send(`<message to='${device.address}' id='m${index}'><body>hi</body></message>`);
    }
    for (const [index, device] of devices.entries()) {
      const message = await device.until(({ name }) => name === 'message');
      assert.equal(message.attrs.id, `m${index}`);
    }

    await (devices.pop() as RawClient).logout();
    await eventually('there is no room after a logout', async () => {
      return (await tryLogin('ann', 'again')) instanceof RawClient;
    });
    for (const client of [...devices, ...others]) client.cut();
  });

  it('takes connections on whichever shard has room, then refuses them', async () => {
    const room = 2 * (MOST_ON_A_SHARD - KEPT_FOR_ARRIVALS - LISTENERS);
    const sockets: Socket[] = [];
    const open = new Set<Socket>();
    for (let count = 0; count < room + 100; count += 1) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.on('close', () => open.delete(socket));
      socket.on('connect', () => open.add(socket));
      sockets.push(socket);
      await sleep(2);
    }
    await sleep(500);
    // A listener that is gone gives its own place free.
    assert.ok(open.size >= room && open.size <= room + 2 * LISTENERS, `${open.size} of ${room}`);
    assert.ok((await counter('listeners_dropped')) >= 2);
    await assertIdle();
    for (const socket of open) {
      socket.write(
        "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' " +
          "xmlns:stream='http://etherx.jabber.org/streams'>",
      );
    }
    await Promise.all(
      [...open].map(async (socket) => {
        await new Promise((resolve) => socket.once('data', resolve));
      }),
    );
    for (const socket of sockets) socket.destroy();
    await eventually('there is no room after everybody left', async () => {
      const client = await tryLogin('ann', 'r').catch(() => undefined);
      if (client instanceof RawClient) client.cut();
      return client instanceof RawClient;
    });
  });
});
