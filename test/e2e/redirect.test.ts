// `<redirect/>` of the compact protocol: phones whose account leads to a peer that redirects, and
// the real server at the end of it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Account, openNodeDatabase } from '../../src/sdk/index.js';
import { secretFile } from '../../src/services/secret-file.js';
import { eventually, Phone, phoneServer, registered, WAYS, type Way } from './support/phone.js';
import { RedirectingPeer } from './support/redirecting-peer.js';
import type { TestServer } from './support/server.js';

describe('redirect', function () {
  this.timeout(60_000);
  let server: TestServer;
  const peers: RedirectingPeer[] = [];
  const phones: Phone[] = [];

  before(async () => {
    server = await phoneServer();
  });
  afterEach(async () => {
    await Promise.all(phones.splice(0).map(({ client }) => client.close()));
    await Promise.all(peers.splice(0).map((peer) => peer.close()));
  });
  after(() => server?.remove());

  /** A machine of the same service: it has the server's identity. */
  async function peer(staticKey?: Buffer, identityKey?: Buffer): Promise<RedirectingPeer> {
    const opened = await RedirectingPeer.open({
      domain: server.domain,
      identityKey: identityKey ?? secretFile(server.data, 'identity.key'),
      ...(staticKey === undefined ? {} : { staticKey }),
    });
    peers.push(opened);
    return opened;
  }

  const portOf = (at: RedirectingPeer, way: Way) => (way === 'TCP' ? at.port : at.webSocketPort);
  const serverPort = (way: Way) => (way === 'TCP' ? server.compactPort : server.wsPort);
  const place = (port: number) => ({ host: '127.0.0.1', port });

  /** An account of the server that leads to the peer. */
  async function accountAt(at: RedirectingPeer): Promise<Account> {
    const account = await registered(server);
    const [address = ''] = account.websocket;
    const url = new URL(address);
    url.port = String(at.webSocketPort);
    return { ...account, compact: [`127.0.0.1:${at.port}`], websocket: [url.href] };
  }

  async function phone(...options: Parameters<typeof Phone.open>): Promise<Phone> {
    const opened = await Phone.open(...options);
    phones.push(opened);
    return opened;
  }

  for (const way of WAYS) {
    it(`is followed over ${way}, and remembered for the next time`, async () => {
      const home = await peer();
      home.target = place(serverPort(way));
      const account = await accountAt(home);
      const database = openNodeDatabase(join(server.folder, `redirected-${way}.sqlite`));
      const ann = await (await phone(account, way, database)).online();
      const bob = await (await phone(await registered(server))).online();
      await ann.client.send(bob.address, 'from elsewhere');
      await bob.shows(['from elsewhere']);
      assert.equal(home.logins, 1);
      ann.client.interrupt();
      await eventually('ann is away', () => ann.client.state !== 'online');
      await ann.online();
      await ann.client.close();
      phones.splice(phones.indexOf(ann), 1);
      const again = openNodeDatabase(join(server.folder, `redirected-${way}.sqlite`));
      const later = await (await phone(account, way, again)).online();
      await bob.client.send(later.address, 'still there');
      await later.shows(['still there']);
      assert.equal(home.logins, 1, 'home is not asked again');
    });

    it(`leads home again over ${way} when nobody is where the user was served`, async () => {
      const home = await peer();
      const gone = await peer();
      const account = await accountAt(home);
      const database = openNodeDatabase(':memory:');
      await database.change([
        { sql: 'CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)' },
        {
          sql: 'INSERT INTO facts VALUES (?, ?)',
          values: ['servedAt', JSON.stringify(place(portOf(gone, way)))],
        },
      ]);
      await gone.close();
      peers.splice(peers.indexOf(gone), 1);
      home.target = place(serverPort(way));
      await (await phone(account, way, database)).online();
      assert.equal(home.logins, 1);
    });
  }

  it('is followed three times in a row, not four', async () => {
    const key = secretFile(server.data, 'noise.key');
    const chain = [await peer(key), await peer(), await peer(key)] as const;
    const [first, second, third] = chain;
    const fourth = await peer();
    first.target = place(second.port);
    second.target = place(third.port);
    third.target = place(server.compactPort);
    const ann = await (await phone(await accountAt(first))).online();
    assert.deepEqual(ann.troubles, []);
    assert.deepEqual(
      chain.map(({ logins }) => logins),
      [1, 1, 1],
    );
    third.target = place(fourth.port);
    fourth.target = place(server.compactPort);
    const bob = await phone(await accountAt(first));
    const trouble = await bob.client.once('trouble');
    assert.match(trouble.message, /more than 3 times/u);
    assert.equal(fourth.logins, 1);
    assert.equal(bob.refused, undefined);
    // It goes on trying, and arrives once the way is shorter.
    first.target = place(server.compactPort);
    await bob.online();
  });

  it('of a machine with another identity is not followed', async () => {
    const stranger = await peer(undefined, randomBytes(32));
    stranger.target = place(server.compactPort);
    const ann = await phone(await accountAt(stranger));
    const trouble = await ann.client.once('trouble');
    assert.match(trouble.message, /another identity/u);
    assert.equal(stranger.logins, 0);
  });
});
