// Elements out of the compact encoding. Everything is checked that the encoding asks for, and
// depth, attributes and size are bounded, so that a server's or a stranger's bytes do no harm. Runs
// in Node and in browsers.
import { ATTRIBUTES, NAMES, WORDS } from './dictionary.gen.js';
import {
  CLIENT_NAMESPACE,
  CompactError,
  type CompactProblem,
  checkName,
  checkNamespace,
  checkText,
  type Element,
  type Node,
  XML_NAMESPACE,
} from './element.js';
import {
  BASE64_DIGITS,
  COUNTED,
  FIRST_NAME,
  FORM,
  KIND,
  LARGEST_VARINT,
  LOWER_HEX_DIGITS,
  NUMBER_DIGITS,
  SHORT_NAMES,
  SHORT_WORDS,
  UPPER_HEX_DIGITS,
} from './value.js';

export interface DecodeLimits {
  readonly depth: number;
  readonly attributes: number;
  /** Characters of all names and values together. */
  readonly characters: number;
}

export const DEFAULT_LIMITS: DecodeLimits = { depth: 64, attributes: 64, characters: 1 << 20 };

// The mark at the beginning of a text is a character like any other.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The element that a packet holds. Throws a CompactError on anything else. */
export function decodeElement(
  packet: Uint8Array,
  ownDomain = '',
  limits: DecodeLimits = DEFAULT_LIMITS,
): Element {
  const decoder = new Decoder(packet, ownDomain, limits);
  const element = decoder.element(CLIENT_NAMESPACE, 0);
  decoder.end();
  return element;
}

function fail(problem: CompactProblem): never {
  throw new CompactError(problem);
}

class Decoder {
  readonly #bytes: Uint8Array;
  readonly #ownDomain: string;
  readonly #limits: DecodeLimits;
  #at = 0;
  #characters = 0;

  constructor(bytes: Uint8Array, ownDomain: string, limits: DecodeLimits) {
    this.#bytes = bytes;
    this.#ownDomain = ownDomain;
    this.#limits = limits;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) fail('trailing-bytes');
  }

  element(outside: string, depth: number): Element {
    if (depth === this.#limits.depth) fail('too-deep');
    const [xmlns, name] = this.#name(outside);
    const head = this.#byte();
    const attributes = this.#attributes(head >> 2 === COUNTED ? this.#varint() : head >> 2);
    return { name, xmlns, attributes, children: this.#content(head & 3, xmlns, depth) };
  }

  #name(outside: string): [string, string] {
    const first = this.#byte();
    if (first >= FIRST_NAME) {
      const index =
        first < SHORT_NAMES ? first : SHORT_NAMES + (first - SHORT_NAMES) * 256 + this.#byte();
      const [xmlns, local] = NAMES[index] ?? fail('bad-index');
      const space = WORDS[xmlns] ?? fail('bad-index');
      this.#count(space.length + local.length);
      return [space, local];
    }
    const xmlns = first === 1 ? checkNamespace(this.#value()) : outside;
    return [xmlns, checkName(this.#value())];
  }

  #attributes(count: number): Record<string, string> {
    if (count > this.#limits.attributes) fail('too-many-attributes');
    const attributes: Record<string, string> = Object.create(null);
    for (let left = count; left > 0; left -= 1) {
      const key = this.#key();
      if (Object.hasOwn(attributes, key)) fail('duplicate-attribute');
      attributes[key] = checkText(this.#value());
    }
    return attributes;
  }

  #key(): string {
    const first = this.#byte();
    if (first >= FIRST_NAME) {
      const [xmlns, local] = ATTRIBUTES[first] ?? fail('bad-index');
      this.#count(local.length);
      return attributeKey(WORDS[xmlns] ?? fail('bad-index'), local);
    }
    const xmlns = first === 1 ? checkNamespace(this.#value()) : '';
    if (first === 1 && xmlns === '') fail('bad-namespace');
    const local = checkName(this.#value());
    if (xmlns === '' && local === 'xmlns') fail('bad-name');
    return attributeKey(xmlns, local);
  }

  #content(kind: number, xmlns: string, depth: number): Node[] {
    if (kind === KIND.empty) return [];
    if (kind === KIND.text) return [this.#text()];
    const count = this.#varint();
    if (count === 0) fail('empty-content');
    const nodes: Node[] = [];
    for (let left = count; left > 0; left -= 1) {
      const node = kind === KIND.mixed ? this.#byte() : 1;
      if (node > 1) fail('bad-form');
      nodes.push(node === 0 ? this.#text() : this.element(xmlns, depth + 1));
    }
    return nodes;
  }

  #text(): string {
    const text = checkText(this.#value());
    return text === '' ? fail('empty-content') : text;
  }

  #value(): string {
    const form = this.#byte();
    const value = this.#address(form) ?? this.#simple(form);
    this.#count(value.length);
    return value;
  }

  #address(form: number): string | undefined {
    const own = form === FORM.ownAddress || form === FORM.ownFullAddress;
    if (!own && form !== FORM.address && form !== FORM.fullAddress) return undefined;
    const local = this.#simple(this.#byte());
    const domain = own ? this.#domain() : this.#simple(this.#byte());
    if (form === FORM.address || form === FORM.ownAddress) return `${local}@${domain}`;
    return `${local}@${domain}/${this.#simple(this.#byte())}`;
  }

  #domain(): string {
    return this.#ownDomain === '' ? fail('bad-form') : this.#ownDomain;
  }

  /** Any value but an address. */
  #simple(form: number): string {
    if (form < FORM.shortText) return WORDS[form] ?? fail('bad-index');
    if (form < FORM.longWord) return this.#utf8(form - FORM.shortText + 1);
    if (form < FORM.text) {
      const index = SHORT_WORDS + (form - FORM.longWord) * 256 + this.#byte();
      return WORDS[index] ?? fail('bad-index');
    }
    switch (form) {
      case FORM.text:
        return this.#utf8(this.#varint());
      case FORM.number:
        return this.#packed(NUMBER_DIGITS);
      case FORM.lowerHex:
        return this.#packed(LOWER_HEX_DIGITS);
      case FORM.upperHex:
        return this.#packed(UPPER_HEX_DIGITS);
      case FORM.uuid:
        return hex(this.#take(16)).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
      case FORM.base64:
        return base64(this.#take(this.#varint()));
      case FORM.ownDomain:
        return this.#domain();
      case FORM.decimal:
        return String(this.#varint());
      default:
        return fail('bad-form');
    }
  }

  #packed(digits: string): string {
    const count = this.#varint();
    const bytes = this.#take(Math.ceil(count / 2));
    const text = unpack(bytes, digits);
    if (count % 2 === 0) return text;
    if (((bytes[bytes.length - 1] ?? 0) & 0x0f) !== 0) fail('bad-padding');
    return text.slice(0, -1);
  }

  #utf8(count: number): string {
    const bytes = this.#take(count);
    try {
      return UTF8.decode(bytes);
    } catch {
      return fail('bad-text');
    }
  }

  #varint(): number {
    let number = 0;
    for (let place = 1; place < 2 ** 35; place *= 2 ** 7) {
      const byte = this.#byte();
      number += (byte & 0x7f) * place;
      if ((byte & 0x80) !== 0) continue;
      // A last byte of zero would only make it longer.
      if ((byte === 0 && place !== 1) || number > LARGEST_VARINT) fail('bad-varint');
      return number;
    }
    return fail('bad-varint');
  }

  #byte(): number {
    const byte = this.#bytes[this.#at] ?? fail('truncated');
    this.#at += 1;
    return byte;
  }

  #take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.#at) fail('truncated');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  #count(characters: number): void {
    this.#characters += characters;
    if (this.#characters > this.#limits.characters) fail('too-large');
  }
}

function attributeKey(xmlns: string, local: string): string {
  if (xmlns === '') return local;
  return xmlns === XML_NAMESPACE ? `xml:${local}` : `{${xmlns}}${local}`;
}

function unpack(bytes: Uint8Array, digits: string): string {
  let text = '';
  for (const byte of bytes) text += digits.charAt(byte >> 4) + digits.charAt(byte & 0x0f);
  return text;
}

function hex(bytes: Uint8Array): string {
  return unpack(bytes, LOWER_HEX_DIGITS);
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const digits = Math.min(bytes.length - at, 3) + 1;
    for (let index = 0; index < 4; index += 1) {
      text += index < digits ? BASE64_DIGITS.charAt((group >> (18 - 6 * index)) & 0x3f) : '=';
    }
  }
  return text;
}
