// The compact encoding in the client library: both ways over elements made at random, what it does
// not encode, its limits, and packets cut anywhere.
import assert from 'node:assert/strict';
import { decodeElement } from '../../../src/sdk/compact/decode.js';
import { NAMES, WORDS } from '../../../src/sdk/compact/dictionary.gen.js';
import {
  CompactError,
  child,
  type Element,
  element,
  type Node,
  text,
} from '../../../src/sdk/compact/element.js';
import { encodeElement, encodePacket } from '../../../src/sdk/compact/encode.js';
import { PacketSplitter } from '../../../src/sdk/compact/packet-splitter.js';

/** A generator of numbers below a limit, the same in each run. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const VALUES = [
  '',
  'chat',
  'urn:xmpp:receipts',
  '0',
  '4294967295',
  '4294967296',
  '007',
  '2025-11-24T16:00:00Z',
  '0123456789abc',
  'ABCDEF',
  'cm9va2VyeQ==',
  '00112233-4455-6677-8899-aabbccddeeff',
  'example.org',
  'romeo@example.org',
  'romeo@example.org/d1',
  'romeo@example.net/home',
  'a@b@c/d@e/f',
  'text with \n\t\r <&>\'" in it',
  '\u{1F600}\uFEFF\uFFFD\u007F',
  'a text that is longer than thirty-two bytes, as most of them are',
  '__proto__',
];

function pick<T>(below: (limit: number) => number, list: readonly T[]): T {
  return list[below(list.length)] as T;
}

function made(below: (limit: number) => number, depth: number): Element {
  const [xmlns, name] = pick(below, NAMES.slice(2));
  const spaces = [WORDS[xmlns] ?? '', 'urn:example:x', 'jabber:client', ''];
  const attributes: Record<string, string> = Object.create(null);
  const keys = ['to', 'id', 'xml:lang', 'unknown', '{urn:example:y}z', '__proto__', 'xml:base'];
  for (const key of keys) {
    if (below(4) === 0) attributes[key] = pick(below, VALUES);
  }
  const children: Node[] = [];
  for (let count = below(5); count > 0 && depth < 8; count -= 1) {
    const value = pick(below, VALUES);
    if (below(2) === 0) children.push(made(below, depth + 1));
    else if (value !== '' && typeof children.at(-1) !== 'string') children.push(value);
  }
  return { name, xmlns: pick(below, spaces), attributes, children };
}

const refusal = (problem: string) => (error: unknown) =>
  error instanceof CompactError && error.problem === problem;

describe('Compact encoding', () => {
  it('brings elements made at random back as they were', () => {
    const below = random(7);
    for (let turn = 0; turn < 500; turn += 1) {
      const wanted = made(below, 0);
      for (const domain of ['example.org', '']) {
        const packed = encodeElement(wanted, domain);
        assert.deepEqual(decodeElement(packed, domain), wanted);
        assert.deepEqual(encodeElement(decodeElement(packed, domain), domain), packed);
      }
    }
  });

  it('makes elements and finds things in them', () => {
    const message = element(
      'message',
      'jabber:client',
      { to: 'a@example.org', id: undefined },
      element('body', 'jabber:client', {}, 'hey ', 'you'),
      '',
    );
    const back = decodeElement(encodeElement(message, 'example.org'), 'example.org');
    assert.deepEqual(Object.keys(back.attributes), ['to']);
    const body = child(back, 'body');
    assert.equal(body && text(body), 'hey you');
    assert.equal(child(back, 'body', 'urn:example'), undefined);
  });

  it('does not encode what no element can have', () => {
    const plain = element('x', 'urn:example');
    assert.throws(() => encodeElement({ ...plain, name: 'a b' }), refusal('bad-name'));
    assert.throws(() => encodeElement({ ...plain, xmlns: 'a b' }), refusal('bad-namespace'));
    for (const bad of ['\u0000', '\uD800', '\uFFFE']) {
      assert.throws(() => encodeElement({ ...plain, children: [bad] }), refusal('bad-text'));
      assert.throws(() => encodeElement({ ...plain, attributes: { a: bad } }), refusal('bad-text'));
    }
    for (const key of ['xmlns', 'a:b', '', '{}a']) {
      assert.throws(
        () => encodeElement({ ...plain, attributes: { [key]: '' } }),
        refusal('bad-name'),
      );
    }
  });

  it('keeps to its limits', () => {
    const limits = { depth: 3, attributes: 2, characters: 40 };
    const nested = (depth: number): Element =>
      element('x', 'jabber:client', {}, ...(depth > 1 ? [nested(depth - 1)] : []));
    const decode = (of: Element) => decodeElement(encodeElement(of), '', limits);
    assert.deepEqual(decode(nested(3)).name, 'x');
    assert.throws(() => decode(nested(4)), refusal('too-deep'));
    const attributes = { a: '1', b: '2', c: '3' };
    assert.throws(() => decode(element('x', '', attributes)), refusal('too-many-attributes'));
    const long = element('x', 'jabber:client', {}, '!'.repeat(40));
    assert.throws(() => decode(long), refusal('too-large'));
  });

  it('never trips over bytes that it has not seen', () => {
    const below = random(11);
    let taken = 0;
    for (let turn = 0; turn < 4000; turn += 1) {
      const bytes = encodeElement(made(below, 6), 'example.org');
      for (let count = 1 + below(2); count > 0; count -= 1) bytes[below(bytes.length)] = below(256);
      try {
        decodeElement(bytes, 'example.org');
        taken += 1;
      } catch (error) {
        assert.ok(error instanceof CompactError, String(error));
      }
    }
    assert.ok(taken > 100);
  });
});

describe('Packets', () => {
  it('are found in any chunks', () => {
    const below = random(3);
    const body = (size: number) => element('body', 'jabber:client', {}, '!'.repeat(size));
    const sent = [undefined, body(1), body(140), undefined, body(20_000), body(3)];
    const stream = Buffer.concat(sent.map((each) => encodePacket(each)));
    for (let turn = 0; turn < 50; turn += 1) {
      const splitter = new PacketSplitter(30_000);
      const found: Uint8Array[] = [];
      const most = below(2) === 0 ? 10 : 9000;
      for (let at = 0; at < stream.length; ) {
        const size = 1 + below(most);
        found.push(...splitter.push(stream.subarray(at, at + size)).map((each) => each.slice()));
        at += size;
      }
      const wanted = sent.map((each) =>
        each === undefined ? new Uint8Array(0) : encodeElement(each),
      );
      assert.deepEqual(
        found.map((each) => [...each]),
        wanted.map((each) => [...each]),
      );
    }
  });

  it('are refused when they are too long or have no length', () => {
    const push = (...bytes: number[]) => new PacketSplitter(300).push(new Uint8Array(bytes));
    assert.deepEqual(push(0xac, 0x02), []);
    assert.throws(() => push(0xad, 0x02), refusal('too-large'));
    assert.throws(() => push(0x81, 0x00), refusal('bad-varint'));
    assert.throws(() => push(0x80, 0x80, 0x80, 0x80, 0x80), refusal('bad-varint'));
  });
});
