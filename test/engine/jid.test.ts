// Names: what is decided without the engine against what the engine says, and what the engine says
// against rules written on JavaScript's own tables of Unicode.

import assert from 'node:assert/strict';
import { AddressPart } from '../../src/engine/boundary.gen.js';
import {
  normaliseDomain,
  normaliseLocalpart,
  normaliseResource,
  parseJid,
} from '../../src/engine/jid.js';
import { loadNative, type NativeAddon } from '../../src/engine/native.js';
import { accountName } from '../../src/services/accounts.js';
import { SeededRandom } from '../e2e/support/random.js';

const ROUNDS = 20_000;
// First and last code points of blocks that have been full for a long time, so that the tables of
// different versions of Unicode agree on them.
const BLOCKS: Record<string, readonly [number, number]> = {
  ascii: [0x20, 0x7f],
  latin: [0xa0, 0x17f],
  marks: [0x300, 0x345],
  greek: [0x391, 0x3a1],
  coptic: [0x3e2, 0x3ef],
  cyrillic: [0x400, 0x481],
  armenian: [0x531, 0x556],
  hebrew: [0x5d0, 0x5ea],
  arabic: [0x620, 0x64a],
  digits: [0x660, 0x669],
  farsi: [0x6f0, 0x6f9],
  devanagari: [0x905, 0x94d],
  thai: [0xe01, 0xe3a],
  jamo: [0x1100, 0x11ff],
  greekExtended: [0x1f00, 0x1f15],
  punctuation: [0x2010, 0x2027],
  joiners: [0x200c, 0x200d],
  signs: [0x2100, 0x214f],
  kana: [0x3041, 0x3096],
  katakana: [0x30a1, 0x30fb],
  han: [0x4e00, 0x9fa5],
  hangul: [0xac00, 0xd7a3],
  privateUse: [0xe000, 0xe100],
  presentation: [0xfb50, 0xfbb1],
  fullwidth: [0xff01, 0xff5e],
  halfwidth: [0xff66, 0xff9d],
  deseret: [0x10400, 0x1044f],
  mathematical: [0x1d400, 0x1d454],
  birds: [0x1f400, 0x1f4fc],
};
const blocks = Object.values(BLOCKS);

function character(random: SeededRandom, [first, last]: readonly [number, number]): string {
  return String.fromCodePoint(first + random.below(last - first + 1));
}

/** Text of one script, or of several with ASCII between. */
function someText(random: SeededRandom): string {
  const mixed = random.below(3) === 0;
  const own = blocks[random.below(blocks.length)] as (typeof blocks)[number];
  return Array.from({ length: 1 + random.below(6) }, () => {
    const other = blocks[random.below(blocks.length)] as (typeof blocks)[number];
    return character(random, mixed ? other : random.below(4) === 0 ? [0x61, 0x7a] : own);
  }).join('');
}

const hex = (text: string): string =>
  Array.from(text, (each) => (each.codePointAt(0) ?? 0).toString(16)).join(' ');

// What has rules of its own: context, right-to-left text, conjoining Hangul, exceptions.
const SPECIAL = [
  /[\u00b7\u0375\u0590-\u08ff\u1100-\u11ff\u3007\u30fb]/u,
  /[\u200c-\u200d\ufb1d-\ufdff\ufe70-\ufeff\ufffd]/u,
];
const isSpecial = (text: string): boolean => SPECIAL.some((special) => special.test(text));

/** UsernameCaseMapped without those rules. */
function oracle(text: string): string | undefined {
  const narrow = text.replace(/[\uff01-\uffef\u3000]/gu, (wide) => wide.normalize('NFKC'));
  // Each code point alone: no final sigma, and one letter stays one.
  const lower = Array.from(narrow, (each) => (each === '\u0130' ? 'i' : each.toLowerCase())).join(
    '',
  );
  const mapped = lower.normalize('NFC');
  if (/["&'/:<>@\s]/u.test(mapped)) return undefined;
  if (!/^[!-~\p{Lu}\p{Ll}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]+$/u.test(mapped)) return undefined;
  if (/\p{Default_Ignorable_Code_Point}/u.test(mapped)) return undefined;
  return mapped.normalize('NFKC') === mapped ? mapped : undefined;
}

describe('addresses', function () {
  this.timeout(60_000);
  // Loaded by the first test that asks, not while mocha reads its files.
  const native: Pick<NativeAddon, 'normalise'> = {
    normalise: (part, text) => loadNative().normalise(part, text),
  };

  it('decides about ASCII as the engine does', () => {
    const random = new SeededRandom(1);
    const pieces = ['xn--', 'xn--bcher-kva', '.', '..', '-', '[::1]', '[1::]', 'a', 'B', '9', ' '];
    for (let round = 0; round < ROUNDS; round++) {
      const text = Array.from({ length: random.below(6) }, () =>
        random.below(2) === 0
          ? character(random, [0x00, 0x7f])
          : (pieces[random.below(pieces.length)] as string),
      ).join('');
      const all = [
        [AddressPart.local, normaliseLocalpart],
        [AddressPart.domain, normaliseDomain],
        [AddressPart.resource, normaliseResource],
      ] as const;
      for (const [part, normalise] of all) {
        assert.equal(normalise(text), native.normalise(part, text), `${part} ${hex(text)}`);
      }
    }
    for (const length of [63, 64, 1022, 1023, 1024]) {
      const text = 'a'.repeat(length);
      assert.equal(normaliseLocalpart(text), native.normalise(AddressPart.local, text));
      assert.equal(normaliseResource(text), native.normalise(AddressPart.resource, text));
      assert.equal(normaliseDomain(text), native.normalise(AddressPart.domain, text));
    }
  });

  it('the engine’s rules agree with JavaScript’s tables', () => {
    const random = new SeededRandom(2);
    let accepted = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const text = someText(random);
      if (isSpecial(text) || isSpecial(text.normalize('NFKC'))) continue;
      const expected = oracle(text);
      assert.equal(normaliseLocalpart(text), expected, hex(text));
      if (expected !== undefined) accepted++;
    }
    assert.ok(accepted > ROUNDS / 10, `only ${accepted} names were good ones`);
  });

  it('a name that can be an account is the name that the engine logs in', () => {
    const random = new SeededRandom(3);
    let accepted = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const text = someText(random);
      const name = accountName(text.replaceAll('@', ''), 'localhost');
      if (name === undefined) continue;
      accepted++;
      // The same through every other way in: what is stored stays what it is.
      assert.equal(native.normalise(AddressPart.local, name), name, hex(text));
      assert.equal(accountName(name, 'localhost'), name, hex(text));
      assert.equal(accountName(`${name}@localhost`, 'localhost'), name, hex(text));
      assert.equal(name.normalize('NFC'), name, hex(text));
    }
    assert.ok(accepted > ROUNDS / 10, `only ${accepted} names were good ones`);
  });

  it('every single character is stable or refused', () => {
    for (let code = 0x80; code <= 0x10ffff; code += code < 0x30000 ? 1 : 61) {
      if (code >= 0xac00 && code < 0xd7a0) continue; // Hangul, all alike
      const text = String.fromCodePoint(code);
      const local = normaliseLocalpart(text);
      if (local !== undefined) assert.equal(normaliseLocalpart(local), local, hex(text));
      const resource = normaliseResource(text);
      if (resource !== undefined) assert.equal(normaliseResource(resource), resource, hex(text));
    }
  });

  const names: readonly (readonly [string, string | undefined, string])[] = [
    ['\uff21\uff22\uff43', 'abc', 'fullwidth'],
    ['\uff76\uff9e', '\u30ac', 'halfwidth katakana with a mark'],
    ['J\u00dcRGEN', 'j\u00fcrgen', 'case'],
    ['ju\u0308rgen', 'j\u00fcrgen', 'composition'],
    ['stra\u00dfe', 'stra\u00dfe', 'sharp s'],
    ['\u05d0\u05d1', '\u05d0\u05d1', 'Hebrew'],
    ['a\u05d0', undefined, 'left-to-right before right-to-left'],
    ['\u05d0a', undefined, 'right-to-left that ends left-to-right'],
    ['\u05d01', '\u05d01', 'Hebrew and a digit'],
    ['1\u05d0', undefined, 'a digit before Hebrew'],
    ['\u0627\u0661', '\u0627\u0661', 'Arabic and its digit'],
    ['\u0627\u0661\u06f1', undefined, 'two kinds of Arabic digits'],
    ['\u06f1', '\u06f1', 'an extended Arabic digit alone'],
    ['l\u00b7l', 'l\u00b7l', 'a middle dot in Catalan'],
    ['a\u00b7b', undefined, 'a middle dot elsewhere'],
    ['\u30a2\u30fb', '\u30a2\u30fb', 'a katakana middle dot'],
    ['a\u30fb', undefined, 'a katakana middle dot without Japanese'],
    ['\u0915\u094d\u200d', '\u0915\u094d\u200d', 'a joiner behind a virama'],
    ['a\u200db', undefined, 'a joiner elsewhere'],
    ['\u0375\u03b1', '\u0375\u03b1', 'a Greek numeral sign'],
    ['\u2163', undefined, 'a Roman numeral'],
    ['\u1100', undefined, 'conjoining Hangul'],
    ['a\u00a0b', undefined, 'a space that does not break'],
    ['a\ufffdb', undefined, 'the replacement character'],
    ['a\ud83db', undefined, 'half a character'],
    ['\u{1f426}', undefined, 'a bird'],
    ['a@b', undefined, 'an at sign'],
  ];
  for (const [text, expected, what] of names) {
    it(`localparts: ${what}`, () => assert.equal(normaliseLocalpart(text), expected));
  }

  it('whole addresses', () => {
    const parse = (text: string) => {
      const jid = parseJid(text);
      return jid === undefined ? undefined : [jid.local, jid.domain, jid.resource];
    };
    assert.deepEqual(parse('A@B.example./C\u00a0d'), ['a', 'b.example', 'C d']);
    assert.deepEqual(parse('b.example'), ['', 'b.example', '']);
    assert.deepEqual(parse('a@b/c/d@e'), ['a', 'b', 'c/d@e']);
    assert.deepEqual(parse('a@[1:0::1]'), ['a', '[1::1]', '']);
    assert.deepEqual(parse('a@xn--bcher-kva.example'), ['a', 'b\u00fccher.example', '']);
    assert.deepEqual(parse('x@b/\u{1f426}'), ['x', 'b', '\u{1f426}']);
    for (const bad of ['', '@b', 'a@', 'a@b/', 'a@b@c', 'a@-b', 'a@b/\ud83d', 'a@b/\u0007']) {
      assert.equal(parse(bad), undefined, bad);
    }
  });
});
