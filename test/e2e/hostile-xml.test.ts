// Hostile XML against the real server, before and after login: what is too large, too deep, badly
// encoded or forbidden is answered with the stream error that RFC 6120 section 4.9.3 has for it,
// and counted, while others chat.

import assert from 'node:assert/strict';
import { Attacker, HEADER, openSession, openStream } from './support/attacker.js';
import { TestServer } from './support/server.js';
import { siege } from './support/siege.js';

type Stage = 'connected' | 'stream' | 'session';

interface Attack {
  readonly what: string;
  readonly stage: Stage;
  /** Said in pieces, each a packet of its own. */
  readonly says: readonly (string | Buffer)[];
  /** Said again and again behind that, up to a gigabyte. */
  readonly pours?: string | Buffer;
  readonly error: string;
  readonly counter: string;
}

const GIGABYTE = 2 ** 30;
const POURED_BYTES = 1 << 16;
const GROWTH_MIB = 24;

const message = (body: string): string => `<message to='bob@localhost'><body>${body}</body>`;
const bytes = (...values: number[]): Buffer => Buffer.from(values);
const inBody = (...values: number[]): Buffer =>
  Buffer.concat([Buffer.from("<message to='bob@localhost'><body>"), bytes(...values)]);
const END = '</body></message>';
const attributes = (count: number): string =>
  Array.from({ length: count }, (_, index) => `a${index}='x'`).join(' ');
const prefixes = (count: number): string =>
  Array.from({ length: count }, (_, index) => `<p${index}:a xmlns:p${index}='urn:x'>`).join('');
const BILLION_LAUGHS = `<!DOCTYPE lolz [<!ENTITY lol 'lol'>${Array.from(
  { length: 9 },
  (_, index) => `<!ENTITY lol${index + 1} '${`&lol${index === 0 ? '' : index};`.repeat(10)}'>`,
).join('')}]>`;

const POLICY = { error: 'policy-violation', counter: 'error_policy' };
const RESTRICTED = { error: 'restricted-xml', counter: 'error_restricted_xml' };
const MALFORMED = { error: 'not-well-formed', counter: 'error_not_well_formed' };
const ENCODING = { error: 'unsupported-encoding', counter: 'error_encoding' };

/** What is too much; at every stage that can say it. */
const tooMuch: Attack[] = [
  { what: 'white space', stage: 'connected', says: [], pours: ' ', ...POLICY },
  { what: 'white space', stage: 'stream', says: [], pours: '\n', ...POLICY },
  { what: 'an XML declaration', stage: 'connected', says: ['<?xml '], pours: 'a', ...POLICY },
  {
    what: "an attribute of the stream's header",
    stage: 'connected',
    says: ["<stream:stream to='"],
    pours: 'a',
    ...POLICY,
  },
  ...(['stream', 'session'] as const).flatMap((stage): Attack[] => [
    {
      what: 'a stanza of a gigabyte',
      stage,
      says: ['<message><body>'],
      pours: 'lorem ipsum ',
      ...POLICY,
    },
    {
      what: 'an attribute of a gigabyte',
      stage,
      says: ["<message id='"],
      pours: 'a',
      ...POLICY,
    },
    { what: 'a name of a gigabyte', stage, says: ['<'], pours: 'a', ...POLICY },
    {
      what: 'a CDATA section of a gigabyte',
      stage,
      says: ['<message><body><![CDATA['],
      pours: ']',
      ...POLICY,
    },
    { what: 'a gigabyte of nested elements', stage, says: [], pours: '<a>', ...POLICY },
    {
      what: '100,000 nested elements that end',
      stage,
      says: ['<a>'.repeat(100_000) + '</a>'.repeat(100_000)],
      ...POLICY,
    },
    {
      what: 'a gigabyte of attributes',
      stage,
      says: ['<message '],
      pours: "b='' ",
      ...POLICY,
    },
  ]),
  {
    what: 'more attributes than are allowed',
    stage: 'session',
    says: [`<message ${attributes(65)}/>`],
    ...POLICY,
  },
  {
    what: 'a stack of namespace prefixes',
    stage: 'session',
    says: [`<message>${prefixes(70)}`],
    ...POLICY,
  },
];

const forbidden: Attack[] = [
  { what: 'a billion laughs', stage: 'connected', says: [BILLION_LAUGHS], ...RESTRICTED },
  {
    what: 'a billion laughs behind the declaration',
    stage: 'connected',
    says: ["<?xml version='1.0'?>", BILLION_LAUGHS],
    ...RESTRICTED,
  },
  { what: 'a billion laughs', stage: 'stream', says: [BILLION_LAUGHS], ...RESTRICTED },
  { what: 'a billion laughs', stage: 'session', says: [BILLION_LAUGHS], ...RESTRICTED },
  {
    what: 'a document type within a stanza',
    stage: 'session',
    says: [`<message>${BILLION_LAUGHS}`],
    ...RESTRICTED,
  },
  {
    what: 'a processing instruction before the header',
    stage: 'connected',
    says: ["<?xml-stylesheet href='x'?>"],
    ...RESTRICTED,
  },
  { what: 'a processing instruction', stage: 'session', says: ['<?php die() ?>'], ...RESTRICTED },
  {
    what: 'a processing instruction within a stanza',
    stage: 'session',
    says: [`${message('')}<?php die() ?>`],
    ...RESTRICTED,
  },
  { what: 'a comment', stage: 'session', says: ['<!-- hello -->'], ...RESTRICTED },
  {
    what: 'a comment of a gigabyte',
    stage: 'stream',
    says: ['<message><!--'],
    pours: 'x',
    ...RESTRICTED,
  },
  {
    what: 'a reference to an entity that nobody declared',
    stage: 'session',
    says: [`${message('&lol9;')}</message>`],
    ...RESTRICTED,
  },
  {
    what: 'such a reference in an attribute',
    stage: 'session',
    says: ["<message id='&lol9;'/>"],
    ...RESTRICTED,
  },
  {
    what: 'such a reference in the header',
    stage: 'connected',
    says: [HEADER.replace('localhost', '&lol9;')],
    ...RESTRICTED,
  },
];

const badlyEncoded: Attack[] = [
  { what: 'an over-long slash', stage: 'session', says: [inBody(0xc0, 0xaf), END], ...ENCODING },
  {
    what: 'an over-long NUL',
    stage: 'session',
    says: [inBody(0xe0, 0x80, 0x80), END],
    ...ENCODING,
  },
  { what: 'a surrogate', stage: 'session', says: [inBody(0xed, 0xa0, 0x80), END], ...ENCODING },
  {
    what: 'a pair of surrogates',
    stage: 'session',
    says: [inBody(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80), END],
    ...ENCODING,
  },
  {
    what: 'a code point beyond Unicode',
    stage: 'session',
    says: [inBody(0xf4, 0x90, 0x80, 0x80), END],
    ...ENCODING,
  },
  { what: 'a lone continuation', stage: 'session', says: [inBody(0x80), END], ...ENCODING },
  {
    what: 'a sequence that is cut short, over two packets',
    stage: 'session',
    says: [inBody(0xe2, 0x82), bytes(0x28), END],
    ...ENCODING,
  },
  {
    what: 'bytes of Latin-1 in an address',
    stage: 'session',
    says: ["<message to='", bytes(0xe9), "@localhost'/>"],
    ...ENCODING,
  },
  {
    what: 'bytes of Latin-1 in the header',
    stage: 'connected',
    says: ["<stream:stream to='", bytes(0xe9), "' version='1.0'>"],
    ...ENCODING,
  },
  {
    what: 'a declaration of Latin-1',
    stage: 'connected',
    says: [HEADER.replace("'1.0'", "'1.0' encoding='ISO-8859-1'")],
    ...ENCODING,
  },
  { what: 'UTF-16', stage: 'connected', says: [bytes(0xff, 0xfe, 0x3c, 0)], ...ENCODING },
  { what: 'NUL', stage: 'session', says: [inBody(0), END], ...MALFORMED },
  { what: 'NUL between stanzas', stage: 'session', says: [bytes(0)], ...MALFORMED },
  {
    what: 'a reference to NUL',
    stage: 'session',
    says: [message('&#0;'), '</message>'],
    ...MALFORMED,
  },
  {
    what: 'a reference to a surrogate',
    stage: 'session',
    says: [message('&#xD800;'), '</message>'],
    ...MALFORMED,
  },
  { what: 'U+FFFE', stage: 'session', says: [inBody(0xef, 0xbf, 0xbe), END], ...MALFORMED },
];

const malformed: Attack[] = [
  { what: 'HTTP', stage: 'connected', says: ['GET / HTTP/1.1\r\n\r\n'], ...MALFORMED },
  {
    what: 'TLS on the port without it',
    stage: 'connected',
    says: [bytes(22, 3, 1, 0, 5, 1, 0, 0, 1, 3)],
    ...MALFORMED,
  },
  { what: 'an end tag of another name', stage: 'session', says: ['<message></iq>'], ...MALFORMED },
  { what: 'an attribute twice', stage: 'session', says: ["<iq id='1' id='1'/>"], ...MALFORMED },
  { what: 'a prefix that nobody declared', stage: 'session', says: ['<x:message/>'], ...MALFORMED },
  {
    what: 'an ampersand alone',
    stage: 'session',
    says: [message('&'), '</message>'],
    ...MALFORMED,
  },
  {
    what: 'another root',
    stage: 'connected',
    says: [HEADER.replace('stream:stream', 'stream:flood')],
    error: 'bad-format',
    counter: 'error_not_well_formed',
  },
  {
    what: 'another namespace of streams',
    stage: 'connected',
    says: [HEADER.replace('etherx.jabber.org', 'example.org')],
    error: 'invalid-namespace',
    counter: 'error_not_well_formed',
  },
  {
    what: 'version 0.9',
    stage: 'connected',
    says: [HEADER.replace("to='localhost' version='1.0'", "to='localhost' version='0.9'")],
    error: 'unsupported-version',
    counter: 'error_other',
  },
  {
    what: 'another host',
    stage: 'connected',
    says: [HEADER.replace('localhost', 'example.org')],
    error: 'host-unknown',
    counter: 'error_other',
  },
  {
    what: 'a message before login',
    stage: 'stream',
    says: [`${message('hello')}</message>`],
    error: 'not-authorized',
    counter: 'error_auth',
  },
  {
    what: "another user's name as its own",
    stage: 'session',
    says: ["<message from='ann@localhost' to='bob@localhost'/>"],
    error: 'invalid-from',
    counter: 'error_other',
  },
  {
    what: 'an element that is no stanza',
    stage: 'session',
    says: ['<query/>'],
    error: 'unsupported-stanza-type',
    counter: 'error_other',
  },
];

describe('hostile XML', function () {
  this.timeout(120_000);
  let server: TestServer;
  let addresses = 0;

  before(async () => {
    server = await TestServer.start({
      config: { xmpp: { starttls: 'optional', plainAuthWithoutTls: true } },
      accounts: ['ann', 'bob', 'eve'],
    });
  });
  after(async () => {
    await server.remove();
  });

  async function reach(stage: Stage): Promise<Attacker> {
    addresses += 1;
    const from = `127.0.${1 + (addresses >> 8)}.${1 + (addresses & 127)}`;
    const options = { port: server.port, from };
    if (stage === 'connected') return Attacker.connect(options);
    if (stage === 'stream') return openStream(options);
    return openSession({ ...options, user: 'eve', resource: `r${addresses}` });
  }

  async function attack({ stage, says, pours, error }: Attack): Promise<void> {
    const attacker = await reach(stage);
    for (const piece of says) {
      attacker.say(piece);
      // A packet of its own, as far as a test can have it so.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    if (pours !== undefined) {
      const unit = Buffer.from(pours);
      const chunk = Buffer.alloc(Math.floor(POURED_BYTES / unit.length) * unit.length, unit);
      const said = await attacker.pour(chunk, GIGABYTE);
      assert.ok(said < GIGABYTE / 4, `it was let say ${said} bytes`);
    }
    await attacker.waitEnded();
    assert.equal(attacker.streamError, error, attacker.text.slice(-1000));
    attacker.cut();
  }

  for (const [title, attacks] of [
    ['that is too much', tooMuch],
    ['that RFC 6120 section 11.1 forbids', forbidden],
    ['that is badly encoded', badlyEncoded],
    ['that is malformed or says what it must not', malformed],
  ] as const) {
    it(`refuses XML ${title}: ${attacks.length} attacks`, async () => {
      const counters: Record<string, number> = { stream_errors: attacks.length };
      for (const { counter } of attacks) counters[counter] = (counters[counter] ?? 0) + 1;
      await siege(server, { growthMiB: GROWTH_MIB, counters }, async ({ chat }) => {
        for (const one of attacks) {
          await attack(one).catch((problem: unknown) => {
            throw new Error(`${one.what} (${one.stage}): ${String(problem)}`);
          });
        }
        await chat.served();
      });
    });
  }

  it('bears them all at once, forty times', async () => {
    const all = [...tooMuch, ...forbidden, ...badlyEncoded, ...malformed].filter(
      ({ stage, pours }) => stage !== 'session' && pours === undefined,
    );
    const counters = { stream_errors: 40 * all.length };
    await siege(server, { growthMiB: GROWTH_MIB, counters }, async () => {
      await Promise.all(
        Array.from({ length: 40 }, async () => {
          for (const one of all) await attack(one);
        }),
      );
    });
  });

  it('throws white space away that a client sends after its login', async () => {
    await siege(server, { growthMiB: GROWTH_MIB, counters: { stream_errors: 0 } }, async () => {
      const eve = await reach('session');
      await eve.pour(Buffer.alloc(POURED_BYTES, ' '), GIGABYTE / 8);
      eve.say("<iq type='get' id='end' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
      await eve.hear("id='end'");
      eve.cut();
    });
  });

  it('takes a character whose bytes come in several packets', async () => {
    const eve = await reach('session');
    eve.say('<presence/>');
    const text = Buffer.from("<message to='eve@localhost' type='chat'><body>€</body></message>");
    for (const byte of text) {
      eve.say(bytes(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eve.hear('<body>€</body>');
    eve.cut();
  });
});
