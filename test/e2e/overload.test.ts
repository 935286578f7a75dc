// More logins than the server begins a second: they wait in a queue that is fair to addresses, and
// who is logged in chats as if nothing were.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';

const CROWD = 1500;
const LOGINS_PER_SECOND = 100;
const CHAT_MS = 500;

/** Begins a login as soon as it is connected, and remembers when it was answered. */
class Newcomer {
  answeredMs = 0;
  readonly #began = Date.now();
  readonly #socket: Socket;

  constructor(port: number, address: string, index: number) {
    this.#socket = connect({ host: '127.0.0.1', port, localAddress: address });
    this.#socket.setEncoding('utf8');
    this.#socket.on('error', () => this.#socket.destroy());
    const first = Buffer.from(`n,,n=ann,r=nonce${index}`).toString('base64');
    this.#socket.write(
      "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' " +
        "xmlns:stream='http://etherx.jabber.org/streams'>" +
        `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>${first}</auth>`,
    );
    let text = '';
    this.#socket.on('data', (part) => {
      text = (text + part).slice(-2000);
      if (this.answeredMs === 0 && text.includes('<challenge')) {
        this.answeredMs = Date.now() - this.#began;
      }
    });
  }

  end(): void {
    this.#socket.destroy();
  }
}

describe('overload', function () {
  this.timeout(60_000);

  it('lets another address in past a crowd, and chat goes on', async () => {
    const server = await TestServer.start({
      accounts: ['ann', 'bob', 'eve'],
      config: { shards: 1, limits: { loginsPerSecond: LOGINS_PER_SECOND } },
    });
    const everybody: Newcomer[] = [];
    try {
      const [ann, bob] = [
        new RawClient(server.endpoint, 'ann'),
        new RawClient(server.endpoint, 'bob'),
      ];
      await ann.login({ resource: 'a' });
      await bob.login({ resource: 'b' });
      const chat = async (): Promise<number> => {
        const began = performance.now();
        const id = `m${began}`;
        const arrived = new Promise<void>((resolve) => {
          bob.onElement = (element) => {
            if (element.attrs.id === id) resolve();
          };
        });
        ann.send(`<message to='bob@localhost' type='chat' id='${id}'><body>hi</body></message>`);
        await arrived;
        return performance.now() - began;
      };
      for (let index = 0; index < CROWD; index += 1) {
        everybody.push(new Newcomer(server.port, '127.0.9.1', index));
      }
      const times: number[] = [];
      const until = Date.now() + 3000;
      while (Date.now() < until) {
        times.push(await chat());
        await sleep(20);
      }
      const answered = () => everybody.filter(({ answeredMs }) => answeredMs > 0).length;
      const before = answered();
      assert.ok(before < CROWD / 2, `${before} of the crowd were let in: that is no overload`);
      const loner = new Newcomer(server.port, '127.0.9.2', CROWD);
      everybody.push(loner);
      await sleep(1000);
      assert.ok(loner.answeredMs > 0, 'the other address was let in within a second');
      assert.ok(answered() < CROWD / 2, 'and overtook the crowd');
      assert.ok(Math.max(...times) < CHAT_MS, `a message took ${Math.max(...times)} ms`);
      assert.ok((await server.counter('logins_delayed')) > CROWD / 2);
    } finally {
      for (const one of everybody) one.end();
      await server.remove();
    }
  });
});
