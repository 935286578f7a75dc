// WebSocket end to end: people on browsers' transport and on TCP in one conversation, what a lost
// connection costs, the rules of RFC 6455 and 7395, and what hostile peers get.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientKind, type ClientSecurity, DrivenClient } from './support/driven-client.js';
import { RawClient } from './support/raw-client.js';
import { frame, OPCODE, RawWebSocket, upgradeRequest } from './support/raw-websocket.js';
import { PASSWORD, TestServer } from './support/server.js';
import { FRAMING, WebSocketClient } from './support/websocket-client.js';

const messageTo = (user: string, body: string): string =>
  `<message to='${user}@localhost' type='chat'><body>${body}</body></message>`;
const OPEN = `<open xmlns='${FRAMING}' to='localhost' version='1.0'/>`;

describe('WebSocket', function () {
  this.timeout(30_000);
  let server: TestServer;
  // Two people for each test, so that none hears what was left over from another.
  const accounts = Array.from({ length: 80 }, (_, index) => `user${index}`);
  const fresh = accounts.values();
  let ann = '';
  let bob = '';
  const clients: { cut(): void }[] = [];
  const driven: DrivenClient[] = [];

  before(async () => {
    server = await TestServer.start({ config: { xmpp: { starttls: 'required' } }, accounts });
  });
  beforeEach(() => {
    ann = fresh.next().value as string;
    bob = fresh.next().value as string;
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.cut();
    await Promise.all(driven.splice(0).map((client) => client.quit()));
  });
  after(() => server.remove());

  const url = (tls = false): string =>
    tls ? `wss://127.0.0.1:${server.wssPort}/ws` : `ws://127.0.0.1:${server.wsPort}/ws`;

  async function web(user: string, options: { tls?: boolean; acks?: boolean } = {}) {
    const client = new WebSocketClient(user);
    await client.login(url(options.tls), options);
    clients.push(client);
    return client;
  }

  async function tcp(user: string, acks = false): Promise<RawClient> {
    const client = new RawClient(server.endpoint, user);
    await client.login({ security: 'direct', acks });
    clients.push(client);
    return client;
  }

  const heardByTcp = async (client: RawClient): Promise<string> =>
    (await client.until(({ name }) => name === 'message')).getChildText('body') ?? '';

  for (const tls of [false, true]) {
    describe(tls ? 'over TLS' : 'plain', () => {
      it('offers what suits it: no STARTTLS, and PLAIN only under TLS', async () => {
        const client = new WebSocketClient(ann);
        await client.connect(url(tls));
        const features = await client.open();
        assert.equal(features.getChild('starttls'), undefined);
        const mechanisms = features.getChild('mechanisms')?.getChildren('mechanism') ?? [];
        const names = mechanisms.map((mechanism) => mechanism.getText());
        assert.ok(names.includes('SCRAM-SHA-1'));
        assert.equal(names.includes('PLAIN'), tls);
        client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        assert.equal((await client.element()).name, 'failure');
        assert.equal(await client.closed(), 1000);
      });

      it('chats with a client on TCP, and closes in order', async () => {
        const browser = await web(ann, { tls });
        const phone = await tcp(bob);
        browser.say(bob, 'hello &lt;&amp;&gt; \u{1F426}');
        assert.equal(await heardByTcp(phone), 'hello <&> \u{1F426}');
        for (const size of [1, 126, 70_000]) {
          const body = 'x'.repeat(size);
          phone.send(messageTo(ann, body));
          assert.equal(await browser.heard(), body);
          browser.say(bob, body);
          assert.equal(await heardByTcp(phone), body);
        }
        assert.equal(await browser.logout(), 1000);
      });

      it('gets what was sent while it was away', async () => {
        const phone = await tcp(bob);
        phone.send(messageTo(ann, 'for later'));
        await sleep(100);
        const browser = await web(ann, { tls });
        const message = await browser.until(({ name }) => name === 'message');
        assert.equal(message.getChildText('body'), 'for later');
        assert.notEqual(message.getChild('delay', 'urn:xmpp:delay'), undefined);
        await sleep(200);
        browser.cut();
        // TCP had acknowledged it: it does not come again.
        const again = await web(ann, { tls });
        phone.send(messageTo(ann, 'next'));
        assert.equal(await again.heard(), 'next');
      });

      it('resumes', async () => {
        const browser = await web(ann, { tls, acks: true });
        const phone = await tcp(bob, true);
        browser.say(bob, 'before');
        assert.equal(await heardByTcp(phone), 'before');
        browser.cut();
        phone.send(messageTo(ann, 'meanwhile'));
        assert.equal((await browser.resume(url(tls))).name, 'resumed');
        assert.equal(await browser.heard(), 'meanwhile');
        browser.say(bob, 'after');
        assert.equal(await heardByTcp(phone), 'after');
        await browser.logout();
      });
    });
  }

  it('takes up a stream that was begun on TCP', async () => {
    const first = await tcp(ann, true);
    const friend = await tcp(bob);
    first.cut();
    friend.send(messageTo(ann, 'wherever you are'));
    const second = new WebSocketClient(ann);
    clients.push(second);
    second.resumptionId = first.resumptionId;
    second.handled = first.handled;
    assert.equal((await second.resume(url())).name, 'resumed');
    assert.equal(await second.heard(), 'wherever you are');
  });

  it('makes documents of what relied on the stream around it', async () => {
    const browser = await web(ann);
    const phone = await tcp(bob);
    phone.send(
      `<message to='${ann}@localhost' type='chat'><body>a</body><stream:x a='b'/>` +
        "<y xmlns='urn:example:y'><z/></y></message>",
    );
    const message = await browser.until(({ name }) => name === 'message');
    assert.equal(message.attrs.xmlns, 'jabber:client');
    assert.equal(message.attrs['xmlns:stream'], 'http://etherx.jabber.org/streams');
    assert.equal(message.getChild('y')?.getChild('z')?.name, 'z');
  });

  for (const security of ['ws', 'wss'] as const) {
    it(`@xmpp/client over ${security} and slixmpp`, async () => {
      const login = async (kind: ClientKind, user: string, how: ClientSecurity) => {
        const client = new DrivenClient(kind, server, user, PASSWORD, how);
        driven.push(client);
        await client.hear('online');
        return client;
      };
      const browser = await login('xmppjs', ann, security);
      let phone = await login('slixmpp', bob, 'direct');
      const deliver = async (from: DrivenClient, to: DrivenClient, body: string): Promise<void> => {
        from.tell({ do: 'send', to: to.address, body });
        const heard = await to.hear('message');
        assert.deepEqual([heard.sender, heard.body], [from.address, body]);
      };
      await deliver(browser, phone, 'hello <&> \u{1F426}');
      await deliver(phone, browser, 'and back');
      await phone.quit();
      for (const body of ['one', 'two']) browser.tell({ do: 'send', to: phone.address, body });
      await sleep(300);
      phone = await login('slixmpp', bob, 'direct');
      assert.equal((await phone.hear('message')).body, 'one');
      assert.equal((await phone.hear('message')).body, 'two');
      browser.tell({ do: 'cut' });
      await browser.hear('disconnected');
      phone.tell({ do: 'send', to: browser.address, body: 'while you were cut off' });
      await browser.hear('resumed');
      assert.equal((await browser.hear('message')).body, 'while you were cut off');
      await deliver(browser, phone, 'here again');
      assert.deepEqual([...browser.left('message'), ...phone.left('message')], []);
    });
  }

  describe('frames (RFC 6455)', () => {
    const { text, binary, close, ping, pong, continuation } = OPCODE;

    async function opened(tls = false): Promise<RawWebSocket> {
      const client = await RawWebSocket.open(tls ? server.wssPort : server.wsPort, tls);
      clients.push({ cut: () => client.destroy() });
      return client;
    }

    /** What the server closes with after these bytes. */
    async function codeAfter(...bytes: Buffer[]): Promise<number> {
      const client = await opened();
      client.send(Buffer.concat(bytes));
      return client.closeCode();
    }

    async function expectFeatures(client: RawWebSocket): Promise<void> {
      assert.match(await client.message(), /^<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/u);
      assert.match(await client.message(), /^<stream:features xmlns:stream=/u);
    }

    for (const tls of [false, true]) {
      it(`answers pings within a fragmented message, ${tls ? 'TLS' : 'plain'}`, async () => {
        const client = await opened(tls);
        client.send(frame(text, OPEN.slice(0, 10), { bits: 0 }));
        client.send(frame(ping, 'are you there'));
        assert.deepEqual(await client.frame(), {
          opcode: pong,
          payload: Buffer.from('are you there'),
        });
        client.send(frame(pong, 'nobody asked'));
        client.send(frame(continuation, OPEN.slice(10, 20), { bits: 0 }));
        client.send(frame(ping, ''));
        client.send(frame(continuation, OPEN.slice(20)));
        assert.equal((await client.frame()).opcode, pong);
        await expectFeatures(client);
      });
    }

    it('takes bytes as they come: one by one, or all at once', async () => {
      const slowly = await opened();
      for (const byte of frame(text, OPEN)) {
        slowly.send(Buffer.of(byte));
        await sleep(1);
      }
      await expectFeatures(slowly);
      const atOnce = await RawWebSocket.connect(server.wsPort);
      clients.push({ cut: () => atOnce.destroy() });
      atOnce.send(Buffer.concat([Buffer.from(upgradeRequest()), frame(text, OPEN)]));
      assert.equal((await atOnce.answer()).status, 101);
      await expectFeatures(atOnce);
    });

    it('keeps what was sent ahead of its time, on whichever shard it goes on', async () => {
      // Everything up to a message to oneself in one write, cut within the last frame.
      for (const user of accounts.slice(60, 66)) {
        const client = await opened(true);
        const plain = Buffer.from(`\0${user}\0${PASSWORD}`).toString('base64');
        const messages = [
          OPEN,
          `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`,
          OPEN,
          "<iq xmlns='jabber:client' type='set' id='b'>" +
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
          "<presence xmlns='jabber:client'/>",
          `<message xmlns='jabber:client' to='${user}@localhost' type='chat'>` +
            '<body>all</body></message>',
        ];
        const bytes = Buffer.concat(messages.map((message) => frame(text, message)));
        client.send(bytes.subarray(0, -30));
        await sleep(100);
        client.send(bytes.subarray(-30));
        let said = '';
        while (!said.includes('<body>')) said = await client.message();
        assert.match(said, /<body>all<\/body>/u);
      }
    });

    it('answers a close frame with the same code', async () => {
      assert.equal(await codeAfter(frame(close, Buffer.of(0x03, 0xe9))), 1001);
      assert.equal(await codeAfter(frame(close, '')), 1005);
      assert.equal(await codeAfter(frame(text, OPEN), frame(close, Buffer.of(0x0f, 0xa0))), 4000);
    });

    it('closes with 1002 what breaks the protocol', async () => {
      assert.equal(await codeAfter(frame(text, OPEN, { masked: false })), 1002);
      assert.equal(await codeAfter(frame(text, OPEN, { bits: 0xc0 })), 1002);
      assert.equal(await codeAfter(frame(3, 'x')), 1002);
      assert.equal(await codeAfter(frame(11, 'x')), 1002);
      assert.equal(await codeAfter(frame(ping, 'x'.repeat(126))), 1002);
      assert.equal(await codeAfter(frame(ping, 'x', { bits: 0 })), 1002);
      assert.equal(await codeAfter(frame(continuation, OPEN)), 1002);
      assert.equal(await codeAfter(frame(text, '<', { bits: 0 }), frame(text, OPEN)), 1002);
      assert.equal(await codeAfter(frame(close, 'x')), 1002);
      assert.equal(await codeAfter(frame(close, Buffer.of(0x03, 0xed))), 1002);
    });

    it('closes with 1003 what is binary, and with 1007 what is no text', async () => {
      assert.equal(await codeAfter(frame(binary, OPEN)), 1003);
      assert.equal(await codeAfter(frame(text, Buffer.of(0x3c, 0xff))), 1007);
      assert.equal(await codeAfter(frame(text, Buffer.of(0x3c, 0xf4, 0x90), { bits: 0 })), 1007);
      assert.equal(await codeAfter(frame(close, Buffer.of(0x03, 0xe8, 0xff))), 1007);
    });

    it('closes with 1009 what is too long, and says so in the stream', async () => {
      const client = await opened();
      client.send(Buffer.concat([frame(text, OPEN), frame(text, 'x'.repeat(20_000))]));
      await expectFeatures(client);
      assert.match(await client.message(), /^<stream:error .*<policy-violation/u);
      assert.match(await client.message(), /^<close /u);
      assert.equal(await client.closeCode(), 1009);
    });

    it('lets a session be resumed whose WebSocket broke the protocol', async () => {
      const browser = await web(ann, { acks: true });
      const raw = (browser.socket as unknown as { _socket: { write(bytes: Buffer): void } })
        ._socket;
      raw.write(frame(text, 'x', { masked: false }));
      assert.equal(await browser.closed(), 1002);
      assert.equal((await browser.resume(url())).name, 'resumed');
      assert.ok((await server.counter('websocket_failures')) > 0);
      await browser.logout();
    });
  });

  describe('messages (RFC 7395)', () => {
    /** The condition of the stream error that a message brings, before or after a login. */
    async function conditionAfter(...messages: string[]): Promise<string> {
      const client = await RawWebSocket.open(server.wsPort);
      for (const message of messages) client.text(message);
      let said = '';
      while (!said.includes('<stream:error ')) said = await client.message();
      assert.match(
        await client.message(),
        /^<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'\/>/u,
      );
      assert.equal(await client.closeCode(), 1000);
      return /<([a-z-]+) xmlns='urn:ietf:params:xml:ns:xmpp-streams'/u.exec(said)?.[1] ?? said;
    }

    it('opens its stream before it reports an error', async () => {
      const client = await RawWebSocket.open(server.wsPort);
      client.text(`<open xmlns='${FRAMING}' to='elsewhere.example' version='1.0'/>`);
      assert.match(await client.message(), /^<open /u);
      assert.match(await client.message(), /^<stream:error xmlns:stream=.*<host-unknown/u);
      assert.match(await client.message(), /^<close /u);
      assert.equal(await client.closeCode(), 1000);
    });

    it('answers what is no message of the kind with a stream error', async () => {
      assert.equal(await conditionAfter('no element'), 'not-well-formed');
      assert.equal(await conditionAfter(''), 'not-well-formed');
      assert.equal(await conditionAfter(`${OPEN}${OPEN}`), 'not-well-formed');
      assert.equal(await conditionAfter(` ${OPEN}`), 'not-well-formed');
      assert.equal(await conditionAfter(`<?xml version='1.0'?>${OPEN}`), 'restricted-xml');
      assert.equal(await conditionAfter('<stream:stream>'), 'not-well-formed');
      assert.equal(await conditionAfter(OPEN, '<stream:x/>'), 'not-well-formed');
      assert.equal(
        await conditionAfter("<open to='localhost' version='1.0'/>"),
        'invalid-namespace',
      );
      assert.equal(await conditionAfter(`<open xmlns='${FRAMING}'/>`), 'unsupported-version');
      assert.equal(await conditionAfter(`<x xmlns='${FRAMING}'/>`), 'unsupported-stanza-type');
      assert.equal(await conditionAfter(OPEN, OPEN), 'bad-format');
      assert.equal(await conditionAfter("<message xmlns='jabber:client'/>"), 'not-authorized');
      assert.equal(await conditionAfter(OPEN, "<iq xmlns='jabber:client'/>"), 'not-authorized');
      assert.equal(await conditionAfter(OPEN, '<message/>'), 'invalid-namespace');
    });

    it('closes a stream that was opened and nothing else', async () => {
      const client = await RawWebSocket.open(server.wsPort);
      client.text(OPEN);
      await client.message();
      await client.message();
      client.text(`<close xmlns='${FRAMING}'/>`);
      assert.match(await client.message(), /^<close /u);
      assert.equal(await client.closeCode(), 1000);
    });

    it('refuses an undeclared namespace and a second <open/> within a session', async () => {
      for (const [message, condition] of [
        ['<presence/>', 'invalid-namespace'],
        [OPEN, 'invalid-xml'],
      ] as const) {
        const browser = await web(ann);
        browser.send(message);
        const error = await browser.until(({ name }) => name === 'stream:error');
        assert.notEqual(error.getChild(condition), undefined, error.toString());
        assert.ok((await browser.element()).is('close', FRAMING));
        assert.equal(await browser.closed(), 1000);
      }
    });
  });

  describe('HTTP', () => {
    async function statusOf(request: string | Buffer): Promise<number> {
      const client = await RawWebSocket.connect(server.wsPort);
      client.send(request);
      const { status, headers } = await client.answer();
      assert.match(headers.connection ?? '', /^close/u);
      await client.end();
      return status;
    }

    it('answers what is no handshake, closes, and counts it', async () => {
      const before = await server.counter('http_refused');
      const statuses: [string | Buffer, number][] = [
        [upgradeRequest({}, 'GET / HTTP/1.1'), 404],
        [upgradeRequest({}, 'POST /ws HTTP/1.1'), 405],
        [upgradeRequest({}, 'GET /ws HTTP/1.0'), 505],
        [upgradeRequest({ Upgrade: undefined }), 426],
        [upgradeRequest({ 'Sec-WebSocket-Version': '8' }), 426],
        [upgradeRequest({ 'Sec-WebSocket-Key': 'short' }), 400],
        [upgradeRequest({ 'Sec-WebSocket-Protocol': 'chat' }), 400],
        [upgradeRequest({ Host: undefined }), 400],
        [upgradeRequest({ 'Content-Length': '3' }), 413],
        [upgradeRequest({ Padding: 'x'.repeat(8192) }), 431],
        [`GET /${'x'.repeat(9000)}`, 414],
        ['GET /ws HTTP/1.1\n', 400],
        [Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00), 400],
        ["<?xml version='1.0'?><stream:stream>\r\n\r\n", 400],
      ];
      for (const [request, status] of statuses) {
        assert.equal(await statusOf(request), status, String(request).slice(0, 300));
      }
      const after = await server.counter('http_refused');
      assert.equal(after - before, statuses.length);
    });

    for (const tls of [false, true]) {
      it(`tells where the WebSocket is (XEP-0156), ${tls ? 'TLS' : 'plain'}`, async () => {
        const port = tls ? server.wssPort : server.wsPort;
        const href = `${tls ? 'wss' : 'ws'}://chat.example:1/ws`;
        for (const [path, type] of [
          ['/.well-known/host-meta', 'application/xrd+xml'],
          ['/.well-known/host-meta.json', 'application/json'],
        ]) {
          const client = await RawWebSocket.connect(port, tls);
          client.send(`GET ${path} HTTP/1.1\r\nHost: chat.example:1\r\n\r\n`);
          const { status, headers, body } = await client.answer();
          assert.equal(status, 200);
          assert.equal(headers['content-type'], type);
          assert.equal(headers['access-control-allow-origin'], '*');
          assert.ok(body.includes('urn:xmpp:alt-connections:websocket') && body.includes(href));
          await client.end();
        }
      });
    }
  });
});

describe('WebSocket, a server with narrow limits', function () {
  this.timeout(30_000);
  let server: TestServer;

  before(async () => {
    server = await TestServer.start({
      config: {
        xmpp: { starttls: 'required' },
        websocket: { origins: ['https://chat.example'], url: 'wss://chat.example/ws' },
        limits: { unauthenticatedSeconds: 1, maxUnauthenticated: 4 },
        shards: 1,
      },
      accounts: ['ann'],
    });
  });
  after(() => server.remove());

  it('lets in the pages that it knows', async () => {
    for (const [origin, status] of [
      ['https://chat.example', 101],
      [undefined, 101],
      ['https://evil.example', 403],
      ['null', 403],
    ] as const) {
      const client = await RawWebSocket.connect(server.wsPort);
      client.send(upgradeRequest({ Origin: origin }));
      assert.equal((await client.answer()).status, status);
      client.destroy();
    }
  });

  it('names the address that it is known by', async () => {
    const client = await RawWebSocket.connect(server.wsPort);
    client.send('GET /.well-known/host-meta.json HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n');
    assert.match((await client.answer()).body, /"href":"wss:\/\/chat\.example\/ws"/u);
  });

  it('bounds the time of a head that trickles in, and of a WebSocket without a login', async () => {
    const slow = await RawWebSocket.connect(server.wsPort);
    const begun = Date.now();
    const timer = setInterval(() => slow.send('x'), 20);
    slow.send('GET /ws HTTP/1.1\r\nX-Slow: ');
    try {
      assert.equal((await slow.answer()).status, 408);
    } finally {
      clearInterval(timer);
    }
    assert.ok(Date.now() - begun < 3000);
    const idle = await RawWebSocket.open(server.wsPort);
    assert.match(await idle.message(), /^<open /u);
    assert.match(await idle.message(), /<connection-timeout/u);
    assert.match(await idle.message(), /^<close /u);
    assert.equal(await idle.closeCode(), 1000);
  });

  it('makes room among those that have not logged in, in their own language', async () => {
    const first = await RawWebSocket.connect(server.wsPort);
    const others = [];
    for (let count = 0; count < 4; count++) {
      others.push(await RawWebSocket.connect(server.wsPort));
    }
    assert.equal((await first.answer()).status, 503);
    await first.end();
    for (const other of others) other.destroy();
  });

  it('tells its WebSockets when it goes', async () => {
    const ann = new WebSocketClient('ann');
    await ann.login(`ws://127.0.0.1:${server.wsPort}/ws`);
    const stopped = server.stop();
    const error = await ann.until(({ name }) => name === 'stream:error');
    assert.notEqual(error.getChild('system-shutdown'), undefined);
    assert.equal(await ann.closed(), 1000);
    await stopped;
  });
});
