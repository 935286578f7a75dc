// The compact protocol end to end: phones over TCP and WebSocket that chat with each other and with
// XMPP clients, what an interruption and a kill cost them, and what strangers and broken peers get.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Element as XmlElement } from 'ltx';
import type { Element } from '../../src/sdk/compact/element.js';
import { encodePacket } from '../../src/sdk/compact/encode.js';
import { type Account, openNodeDatabase } from '../../src/sdk/index.js';
import { keyPair } from '../../src/sdk/noise/handshake.js';
import { accountKeys } from '../../src/sdk/registration.js';
import { CLIENT_NS, element, PROTOCOL_NS, textMessage } from '../../src/sdk/stanzas.js';
import { DrivenClient } from './support/driven-client.js';
import {
  eventually,
  newNumber,
  Phone,
  PhoneStream,
  phoneServer,
  registered,
  WAYS,
  type Way,
} from './support/phone.js';
import { RawClient } from './support/raw-client.js';
import { frame, OPCODE, RawWebSocket, upgradeRequest } from './support/raw-websocket.js';
import { PASSWORD, type TestServer } from './support/server.js';

const numbered = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix} ${index}`);

describe('compact protocol', function () {
  this.timeout(60_000);
  let server: TestServer;
  const phones: Phone[] = [];
  const streams: PhoneStream[] = [];
  const others: { cut(): void }[] = [];
  const driven: DrivenClient[] = [];
  const people = Array.from({ length: 12 }, (_, index) => `person${index}`).values();

  before(async () => {
    server = await phoneServer(
      {},
      Array.from({ length: 12 }, (_, index) => `person${index}`),
    );
  });
  afterEach(async () => {
    for (const { stream } of streams.splice(0)) stream.close();
    for (const client of others.splice(0)) client.cut();
    await Promise.all(phones.splice(0).map(({ client }) => client.close()));
    await Promise.all(driven.splice(0).map((client) => client.quit()));
  });
  after(() => server.remove());

  async function phone(account: Account, way: Way = 'TCP'): Promise<Phone> {
    const opened = await Phone.open(account, way);
    phones.push(opened);
    return opened.online();
  }

  async function stream(...options: Parameters<typeof PhoneStream.open>): Promise<PhoneStream> {
    const opened = await PhoneStream.open(...options);
    streams.push(opened);
    return opened;
  }

  async function xmpp(): Promise<RawClient> {
    const client = new RawClient(server.endpoint, people.next().value as string);
    await client.login({ security: 'none', acks: true });
    others.push(client);
    return client;
  }

  for (const way of WAYS) {
    describe(`over ${way}`, () => {
      it('two phones chat and see the three ticks', async () => {
        const ann = await phone(await registered(server), way);
        const bob = await phone(await registered(server));
        const sent = await ann.client.send(bob.address, 'hello <&> \u{1F426}');
        await bob.shows(['hello <&> \u{1F426}']);
        assert.equal(bob.messages[0]?.peer, ann.address);
        await ann.ticked(bob.address, sent.id, 'delivered');
        assert.equal((await ann.client.history(bob.address))[0]?.tick, 'delivered');
        await bob.client.markRead(ann.address);
        await ann.ticked(bob.address, sent.id, 'read');
        const back = await bob.client.send(ann.address, 'x'.repeat(100_000));
        await bob.ticked(ann.address, back.id, 'delivered');
        assert.deepEqual(
          ann.shown.map((text) => text.length),
          [100_000],
        );
      });

      it('what a phone could not store comes again, once, in order', async () => {
        const account = await registered(server);
        const ann = await phone(await registered(server), way);
        const database = openNodeDatabase(':memory:');
        let full = 2;
        const bob = await Phone.open(account, way, {
          ...database,
          change: (statements) => {
            const stores = statements.some(({ sql }) => sql.includes('INTO messages'));
            if (stores && full-- > 0) return Promise.reject(new Error('the disk is full'));
            return database.change(statements);
          },
        });
        phones.push(bob);
        await bob.online();
        const texts = numbered(10, 'stored later');
        for (const text of texts) await ann.client.send(account.user, text);
        await bob.shows(texts);
        assert.ok(bob.troubles.some((trouble) => trouble.includes('the disk is full')));
      });

      it('what was sent to a phone that is away arrives once, in order', async () => {
        const account = await registered(server);
        const ann = await phone(await registered(server), way);
        const texts = numbered(150, 'for later');
        const sent = [];
        for (const text of texts) sent.push(await ann.client.send(account.user, text));
        const last = sent.at(-1)?.id ?? '';
        await ann.ticked(account.user, last, 'accepted');
        const [message] = await ann.client.history(account.user, 1);
        assert.equal(message?.tick, 'accepted');
        const bob = await phone(account, way);
        await bob.shows(texts);
        await ann.ticked(account.user, last, 'delivered');
        await bob.client.close();
        phones.splice(phones.indexOf(bob), 1);
        // Another store, so that only the server knows that all of it has arrived.
        const again = await phone(account, way);
        await ann.client.send(again.address, 'next');
        await again.shows(['next']);
      });

      it('an interruption costs nothing, in either direction', async () => {
        const ann = await phone(await registered(server), way);
        const bob = await phone(await registered(server), way);
        const [fromAnn, fromBob] = [numbered(60, 'from ann'), numbered(60, 'from bob')];
        for (const [index, text] of fromAnn.entries()) {
          if (index % 20 === 10) bob.client.interrupt();
          if (index % 20 === 15) ann.client.interrupt();
          await ann.client.send(bob.address, text);
          await bob.client.send(ann.address, fromBob[index] ?? '');
          if (index % 10 === 0) await sleep(30);
        }
        await bob.shows(fromAnn);
        await ann.shows(fromBob);
        await delivered(ann, bob);
        await delivered(bob, ann);
        assert.ok((await server.counter('resumed')) > 0);
      });

      it('the stream that breaks goes on, and nothing comes twice', async () => {
        const account = await registered(server);
        const first = await stream(account, { way });
        first.stream.send([element('presence', CLIENT_NS)]);
        const ann = await phone(await registered(server));
        await ann.client.send(account.user, 'one');
        await first.element('one', ({ name }) => name === 'message');
        const handled = first.elements.filter(({ xmlns }) => xmlns === CLIENT_NS).length;
        first.stream.close();
        await ann.client.send(account.user, 'two');
        const login = { previd: first.answer.attributes.id ?? '', h: String(handled) };
        const second = await stream(account, { way, login });
        assert.equal(second.answer.attributes.resumed, 'true');
        assert.equal(second.answer.attributes.h, '1');
        const two = await second.element('two', ({ name }) => name === 'message');
        assert.equal(bodyOf(two), 'two');
        second.stream.close();
        // A program that was started anew settles what it had and begins from zero.
        const third = await stream(account, {
          way,
          login: { previd: login.previd, h: String(handled + 1), resume: 'false' },
        });
        assert.equal(third.answer.attributes.resumed, undefined);
        third.stream.send([element('presence', CLIENT_NS)]);
        await ann.client.send(account.user, 'three');
        const three = await third.element('three', ({ name }) => name === 'message');
        assert.equal(bodyOf(three), 'three');
      });
    });
  }

  describe('with XMPP', () => {
    for (const security of ['ws', 'wss'] as const) {
      it(`@xmpp/client over ${security} and a phone chat with each other`, async () => {
        const user = people.next().value as string;
        const browser = new DrivenClient('xmppjs', server, user, PASSWORD, security);
        driven.push(browser);
        await browser.hear('online');
        const account = await registered(server);
        let ann = await phone(account, security === 'ws' ? 'TCP' : 'WebSocket');
        const sent = await ann.client.send(browser.address, 'hello <&> \u{1F426}');
        const heard = await browser.hear('message');
        assert.deepEqual([heard.sender, heard.body], [ann.address, 'hello <&> \u{1F426}']);
        await ann.ticked(browser.address, sent.id, 'accepted');
        browser.tell({ do: 'send', to: ann.address, body: 'and back' });
        await ann.shows(['and back']);
        await ann.client.close();
        phones.splice(phones.indexOf(ann), 1);
        for (const body of ['one', 'two']) browser.tell({ do: 'send', to: ann.address, body });
        await sleep(200);
        ann = await phone(account);
        await ann.shows(['one', 'two']);
        browser.tell({ do: 'cut' });
        await browser.hear('disconnected');
        await ann.client.send(browser.address, 'while you were cut off');
        await browser.hear('resumed');
        assert.equal((await browser.hear('message')).body, 'while you were cut off');
        assert.deepEqual(browser.left('message'), []);
      });
    }

    it('elements and namespaces that nobody knows survive, both ways', async () => {
      const account = await registered(server);
      const device = await stream(account);
      device.stream.send([element('presence', CLIENT_NS)]);
      const friend = await xmpp();
      friend.send(
        `<message to='${account.user}@localhost' type='chat' id='w1' xml:lang='de'><body>a</body>` +
          "<weather xmlns='urn:example:weather' xmlns:w='urn:example:wind' w:speed='12'" +
          " unit='&quot;C&apos; &lt;&amp;&gt;'>es ist<w:gust w:kind='b'>b\u00F6ig &amp; " +
          "<![CDATA[<kalt>]]></w:gust><bare xmlns=''><x/></bare> heute</weather></message>",
      );
      const message = await device.element('the message', ({ name }) => name === 'message');
      assert.equal(message.attributes['xml:lang'], 'de');
      const weather = message.children.find((each) => (each as Element).name === 'weather');
      assert.deepEqual(plain(weather as Element), WEATHER);
      device.stream.send([
        element('message', CLIENT_NS, { to: `${friend.user}@localhost`, type: 'chat' }, WEATHER),
      ]);
      const back = await friend.until(({ name }) => name === 'message');
      const there = back
        .getChildElements()
        .find((each) => each.getName() === 'weather') as XmlElement;
      assert.equal(there.getNS(), 'urn:example:weather');
      assert.equal(there.attrs.unit, '"C\' <&>');
      assert.equal(attributeIn(there, 'urn:example:wind', 'speed'), '12');
      const [text, gust, bare, rest] = there.children as [string, XmlElement, XmlElement, string];
      assert.deepEqual([text, rest], ['es ist', ' heute']);
      assert.deepEqual([gust.getName(), gust.getNS()], ['gust', 'urn:example:wind']);
      assert.equal(gust.getText(), 'b\u00F6ig & <kalt>');
      assert.equal(attributeIn(gust, 'urn:example:wind', 'kind'), 'b');
      assert.deepEqual([bare.getName(), bare.attrs.xmlns], ['bare', '']);
      assert.equal((bare.children[0] as XmlElement).getName(), 'x');
    });
  });

  describe('logins', () => {
    it('of strangers are all refused alike', async () => {
      const account = await registered(server);
      const before = await server.counter('login_failures');
      const refusals = [
        await stream(account, { key: keyPair() }),
        await stream(account, { login: { device: '2' } }),
        await stream(account, { login: { user: '12015559999' } }),
        await stream(account, { login: { user: 'person0' } }),
        await stream(account, { key: keyPair(), way: 'WebSocket' }),
      ];
      for (const refused of refusals) {
        assert.equal(refused.failure, 'not-authorized');
        assert.deepEqual(refused.answer, refusals[0]?.answer);
        await refused.ending();
      }
      assert.equal((await server.counter('login_failures')) - before, refusals.length);
    });

    it('that are none are told so', async () => {
      const account = await registered(server);
      for (const login of [
        { device: 'x' },
        { device: '256' },
        { user: '' },
        { user: 'a b' },
        { previd: '1' },
        { previd: '1', h: '-1' },
        { h: '1' },
      ] as Record<string, string>[]) {
        const refused = await stream(account, { login });
        assert.equal(refused.failure, 'malformed-request', JSON.stringify(login));
      }
    });

    for (const known of ['unknown', 'changed'] as const) {
      it(`find the server's key when it is ${known}, and check whose it is`, async () => {
        const account = await registered(server);
        const { identity, noiseKey } = accountKeys(account);
        const wrong = known === 'unknown' ? undefined : keyPair().publicKey;
        const found = await stream(account, { keys: { noiseKey: wrong, identity } });
        assert.equal(found.answer.name, 'success');
        assert.deepEqual(Buffer.from(found.learnt.noiseKey), Buffer.from(noiseKey));
        await assert.rejects(
          stream(account, { keys: { noiseKey: wrong, identity: keyPair().publicKey } }),
          /another identity/u,
        );
        if (wrong === undefined) return;
        const serverKey = Buffer.from(wrong).toString('base64');
        const ann = await phone({ ...account, serverKey });
        const bob = await phone(await registered(server));
        await bob.client.send(ann.address, 'found');
        await ann.shows(['found']);
      });
    }

    it('end for a phone whose number was registered again', async () => {
      const number = newNumber();
      const old = await phone(await registered(server, number));
      await sleep(1100);
      const account = await registered(server, number);
      const why = await eventually('it is told', () => old.refused);
      assert.equal(why.condition, 'not-authorized');
      assert.equal(old.client.state, 'offline');
      const next = await phone(account);
      const bob = await phone(await registered(server));
      await bob.client.send(next.address, 'to the new one');
      await next.shows(['to the new one']);
      assert.deepEqual(old.shown, []);
    });
  });

  describe('broken peers', () => {
    it('get the right stream error, and are counted', async () => {
      const account = await registered(server);
      const max = (opened: PhoneStream) => Number(opened.answer.attributes.max);
      const nested = (levels: number): Element =>
        element('x', 'urn:example:x', {}, levels === 0 ? 'bottom' : nested(levels - 1));
      const attributes = Object.fromEntries(numbered(300, '').map((_, at) => [`a${at}`, '']));
      const cases: [string, string, (opened: PhoneStream) => Uint8Array][] = [
        ['bad-format', 'error_not_well_formed', () => Uint8Array.of(3, 0, 0xff, 0)],
        ['bad-format', 'error_not_well_formed', () => Uint8Array.of(0x81, 0)],
        ['bad-format', 'error_not_well_formed', () => Uint8Array.of(5, 0, 0xa0, 0x78, 0, 0)],
        ['policy-violation', 'error_policy', (opened) => varint(max(opened) + 1)],
        ['policy-violation', 'error_policy', () => encodePacket(nested(200))],
        [
          'policy-violation',
          'error_policy',
          () => encodePacket(element('message', CLIENT_NS, attributes)),
        ],
      ];
      for (const [condition, counter, bytes] of cases) {
        const before = await server.counters();
        const opened = await stream(account);
        opened.sendRaw(bytes(opened));
        assert.equal(await opened.ending(), condition);
        const after = await server.counters();
        for (const name of [counter, 'stream_errors']) {
          assert.equal((after[name] ?? 0) - (before[name] ?? 0), 1, `${condition}: ${name}`);
        }
      }
    });

    it('lose what came after their error, and nothing before it', async () => {
      const ann = await registered(server);
      const bob = await phone(await registered(server));
      const opened = await stream(ann);
      const message = (text: string) => encodePacket(textMessage(bob.address, text, text));
      opened.sendRaw(Buffer.concat([message('before'), Uint8Array.of(1, 0), message('after')]));
      assert.equal(await opened.ending(), 'bad-format');
      await bob.shows(['before']);
      await sleep(100);
      await bob.shows(['before']);
    });

    it('that do not keep to the frames are refused with a code, or without a word', async () => {
      const { compact } = await registered(server);
      const port = Number((compact[0] ?? '').split(':')[1]);
      const answers: [number[], number[]][] = [
        [
          [0x52, 0x4b, 0x59, 2, 1, 0],
          [0, 0, 1],
        ],
        [
          [0x52, 0x4b, 0x59, 1, 9, 0],
          [0, 0, 2],
        ],
        [
          [0x52, 0x4b, 0x59, 1, 1, 7],
          [0, 0, 3],
        ],
        [
          [0x52, 0x4b, 0x59, 1, 1, 1, 0, 96, ...Array(96).fill(7)],
          [0, 0, 4],
        ],
        [[0x47, 0x45, 0x54, 0x20, 0x2f, 0x20], []],
      ];
      const before = await server.counter('noise_failures');
      for (const [bytes, answer] of answers) {
        assert.deepEqual([...(await exchange(port, Buffer.from(bytes)))], answer);
      }
      assert.equal((await server.counter('noise_failures')) - before, answers.length);
    });

    it('that send text over WebSocket are told so', async () => {
      const client = await RawWebSocket.connect(server.wsPort);
      others.push({ cut: () => client.destroy() });
      client.send(upgradeRequest({ 'Sec-WebSocket-Protocol': 'rookery.compact.1' }));
      assert.equal((await client.answer()).status, 101);
      client.send(frame(OPCODE.text, 'RKY'));
      assert.equal(await client.closeCode(), 1003);
    });

    it('end in order with <close/>, and cannot come back to that stream', async () => {
      const account = await registered(server);
      const opened = await stream(account);
      opened.stream.send([element('presence', CLIENT_NS), element('close', PROTOCOL_NS)]);
      assert.equal(await opened.ending(), '');
      const login = { previd: opened.answer.attributes.id ?? '', h: '0' };
      const next = await stream(account, { login });
      assert.equal(next.answer.name, 'success');
      assert.equal(next.answer.attributes.resumed, undefined);
    });
  });
});

describe('compact protocol, a server that is killed', function () {
  this.timeout(60_000);
  let server: TestServer;
  const phones: Phone[] = [];

  before(async () => {
    server = await phoneServer();
  });
  after(async () => {
    await Promise.all(phones.map(({ client }) => client.close()));
    await server.remove();
  });

  it('loses nothing that it accepted, and nobody is shown anything twice', async () => {
    for (const way of ['TCP', 'WebSocket', 'TCP', 'WebSocket'] as const) {
      phones.push(await (await Phone.open(await registered(server), way)).online());
    }
    const [ann, bob, cid, dan] = phones as [Phone, Phone, Phone, Phone];
    const texts = numbered(90, 'number');
    for (const [index, text] of texts.entries()) {
      if (index % 30 === 20) {
        const killed = server.kill();
        await ann.client.send(bob.address, text);
        await cid.client.send(dan.address, text);
        await killed;
        await server.restart();
        for (const { client } of phones) client.connectNow();
        continue;
      }
      await ann.client.send(bob.address, text);
      await cid.client.send(dan.address, text);
      if (index % 7 === 0) await sleep(10);
    }
    for (const [sender, recipient] of [
      [ann, bob],
      [cid, dan],
    ] as const) {
      await eventually('all arrive', () => recipient.shown.length >= texts.length, 30_000);
      await delivered(sender, recipient);
      assert.deepEqual(recipient.shown, texts);
    }
  });
});

/** Waits until all that one has sent to the other is shown there. */
function delivered(sender: Phone, recipient: Phone): Promise<boolean> {
  return eventually('all are delivered', async () => {
    const chat = await sender.client.history(recipient.address, 1000);
    return chat.every(({ mine, tick }) => !mine || tick === 'delivered');
  });
}

const WEATHER: Element = {
  name: 'weather',
  xmlns: 'urn:example:weather',
  attributes: { '{urn:example:wind}speed': '12', unit: '"C\' <&>' },
  children: [
    'es ist',
    {
      name: 'gust',
      xmlns: 'urn:example:wind',
      attributes: { '{urn:example:wind}kind': 'b' },
      children: ['b\u00F6ig & <kalt>'],
    },
    {
      name: 'bare',
      xmlns: '',
      attributes: {},
      children: [{ name: 'x', xmlns: '', attributes: {}, children: [] }],
    },
    ' heute',
  ],
};

/** The element on ordinary prototypes, to be compared. */
function plain({ name, xmlns, attributes, children }: Element): Element {
  const nodes = children.map((each) => (typeof each === 'string' ? each : plain(each)));
  return { name, xmlns, attributes: { ...attributes }, children: nodes };
}

const bodyOf = ({ children }: Element): string =>
  children
    .flatMap((each) => (typeof each !== 'string' && each.name === 'body' ? each.children : []))
    .join('');

/** The value of an attribute that has a namespace. */
function attributeIn(of: XmlElement, namespace: string, name: string): string | undefined {
  const found = Object.entries(of.attrs as Record<string, string>).find(([key]) => {
    const [prefix = '', local] = key.split(':');
    return local === name && of.findNS(prefix) === namespace;
  });
  return found?.[1];
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest < 128 ? rest : (rest % 128) | 0x80);
    if (rest < 128) return Uint8Array.from(bytes);
  }
}

/** What the server answers these bytes with until it closes. */
function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const timer = setTimeout(() => reject(new Error('the server does not close')), 8000);
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('error', () => undefined); // A reset ends it, too.
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(pieces));
    });
  });
}
