// Elements into the compact encoding, always in the one form that docs/PROTOCOL.md asks for. Runs
// in Node and in browsers.
import { ATTRIBUTES, NAMES, WORDS } from './dictionary.gen.js';
import {
  CLIENT_NAMESPACE,
  CompactError,
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
  LONGEST_SHORT_TEXT,
  LOWER_HEX_DIGITS,
  NUMBER_DIGITS,
  SHORT_NAMES,
  SHORT_WORDS,
  UPPER_HEX_DIGITS,
} from './value.js';

const UTF8 = new TextEncoder();

const WORD_INDEX = new Map(WORDS.map((word, index) => [word, index]));
const NAME_INDEX = indexOfNames(NAMES);
const ATTRIBUTE_INDEX = indexOfNames(ATTRIBUTES);

const DECIMAL = /^(0|[1-9][0-9]{0,9})$/;
const NUMBER = /^[0-9\-.+:TZ]{2,}$/;
const LOWER_HEX = /^[0-9a-f]{2,}$/;
const UPPER_HEX = /^[0-9A-F]{2,}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;
const ADDRESS = /^([^@/]+)@([^/]+)(?:\/(.+))?$/s;

/** A namespace has no space in it, so this key is unique. */
function nameKey(xmlns: string, local: string): string {
  return `${xmlns} ${local}`;
}

function indexOfNames(table: readonly (readonly [number, string])[]): Map<string, number> {
  const index = new Map<string, number>();
  table.forEach(([xmlns, local], place) => {
    if (place >= FIRST_NAME) index.set(nameKey(WORDS[xmlns] ?? '', local), place);
  });
  return index;
}

/** The encoding of an element. An empty domain means that it is not to be used (handshake). */
export function encodeElement(element: Element, ownDomain = ''): Uint8Array {
  const encoder = new Encoder(ownDomain);
  encoder.element(element, CLIENT_NAMESPACE);
  return encoder.bytes();
}

/** A packet: the element with its length before it. Without an element: a keep-alive. */
export function encodePacket(element?: Element, ownDomain = ''): Uint8Array {
  const content = element === undefined ? new Uint8Array(0) : encodeElement(element, ownDomain);
  const encoder = new Encoder(ownDomain);
  encoder.varint(content.length);
  encoder.append(content);
  return encoder.bytes();
}

class Encoder {
  readonly #ownDomain: string;
  #bytes = new Uint8Array(256);
  #size = 0;

  constructor(ownDomain: string) {
    this.#ownDomain = ownDomain;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  varint(number: number): void {
    let rest = number;
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#byte(rest);
  }

  element(element: Element, outside: string): void {
    this.#name(element, outside);
    const children = element.children.filter((node) => node !== '');
    const attributes = Object.entries(element.attributes);
    const kind = kindOf(children);
    this.#byte((Math.min(attributes.length, COUNTED) << 2) | kind);
    if (attributes.length >= COUNTED) this.varint(attributes.length);
    for (const [key, value] of attributes) this.#attribute(key, value);
    if (kind === KIND.elements || kind === KIND.mixed) this.varint(children.length);
    for (const node of children) {
      if (kind === KIND.mixed) this.#byte(typeof node === 'string' ? 0 : 1);
      if (typeof node === 'string') this.#value(checkText(node));
      else this.element(node, element.xmlns);
    }
  }

  #name({ name, xmlns }: Element, outside: string): void {
    const index = NAME_INDEX.get(nameKey(xmlns, name));
    if (index !== undefined) {
      if (index < SHORT_NAMES) this.#byte(index);
      else this.#long(SHORT_NAMES, index - SHORT_NAMES);
      return;
    }
    checkNamespace(xmlns);
    this.#byte(xmlns === outside ? 0 : 1);
    if (xmlns !== outside) this.#value(xmlns);
    this.#value(checkName(name));
  }

  #attribute(key: string, value: string): void {
    const [xmlns, local] = splitKey(key);
    const index = ATTRIBUTE_INDEX.get(nameKey(xmlns, local));
    if (index !== undefined) {
      this.#byte(index);
    } else {
      if (xmlns === '' && local === 'xmlns') throw new CompactError('bad-name');
      this.#byte(xmlns === '' ? 0 : 1);
      if (xmlns !== '') this.#value(checkNamespace(xmlns));
      this.#value(checkName(local));
    }
    this.#value(checkText(value));
  }

  #value(text: string): void {
    if (this.#simple(text)) return;
    const start = this.#size;
    const utf8 = UTF8.encode(text);
    const parts = ADDRESS.exec(text);
    if (parts !== null) {
      this.#address(parts[1] ?? '', parts[2] ?? '', parts[3]);
      if (this.#size - start <= textSize(utf8.length)) return;
      this.#size = start;
    }
    this.#text(utf8);
  }

  #address(local: string, domain: string, resource: string | undefined): void {
    const own = domain === this.#ownDomain;
    const full = resource !== undefined;
    if (own) this.#byte(full ? FORM.ownFullAddress : FORM.ownAddress);
    else this.#byte(full ? FORM.fullAddress : FORM.address);
    this.#inner(local);
    if (!own) this.#inner(domain);
    if (full) this.#inner(resource);
  }

  /** Within an address there is no address. */
  #inner(text: string): void {
    if (!this.#simple(text)) this.#text(UTF8.encode(text));
  }

  /** Writes the shortest form; false when that is an address or text. */
  #simple(text: string): boolean {
    const word = WORD_INDEX.get(text);
    if (word !== undefined && word < SHORT_WORDS) this.#byte(word);
    else if (text === this.#ownDomain) this.#byte(FORM.ownDomain);
    else if (word !== undefined) this.#long(FORM.longWord, word - SHORT_WORDS);
    else if (DECIMAL.test(text) && Number(text) <= LARGEST_VARINT) {
      this.#byte(FORM.decimal);
      this.varint(Number(text));
    } else if (UUID.test(text)) this.#uuid(text);
    else if (NUMBER.test(text)) this.#packed(FORM.number, text, NUMBER_DIGITS);
    else if (LOWER_HEX.test(text)) this.#packed(FORM.lowerHex, text, LOWER_HEX_DIGITS);
    else if (UPPER_HEX.test(text)) this.#packed(FORM.upperHex, text, UPPER_HEX_DIGITS);
    else if (BASE64.test(text)) this.#base64(text);
    else return false;
    return true;
  }

  #packed(form: number, text: string, digits: string): void {
    this.#byte(form);
    this.varint(text.length);
    this.#nibbles(text, digits);
  }

  #nibbles(text: string, digits: string): void {
    for (let at = 0; at < text.length; at += 2) {
      const low = at + 1 < text.length ? digits.indexOf(text.charAt(at + 1)) : 0;
      this.#byte((digits.indexOf(text.charAt(at)) << 4) | low);
    }
  }

  #uuid(text: string): void {
    this.#byte(FORM.uuid);
    this.#nibbles(text.replaceAll('-', ''), LOWER_HEX_DIGITS);
  }

  #base64(text: string): void {
    const digits = text.replace(/=+$/, '');
    this.#byte(FORM.base64);
    this.varint(Math.floor((digits.length * 3) / 4));
    let bits = 0;
    let held = 0;
    for (const digit of digits) {
      bits = ((bits << 6) | BASE64_DIGITS.indexOf(digit)) & 0xfff;
      held += 6;
      if (held < 8) continue;
      held -= 8;
      this.#byte((bits >> held) & 0xff);
    }
  }

  #text(utf8: Uint8Array): void {
    if (utf8.length <= LONGEST_SHORT_TEXT) {
      this.#byte(FORM.shortText + utf8.length - 1);
    } else {
      this.#byte(FORM.text);
      this.varint(utf8.length);
    }
    this.append(utf8);
  }

  /** An index beyond those of one byte. */
  #long(first: number, place: number): void {
    this.#byte(first + (place >> 8));
    this.#byte(place & 0xff);
  }

  #byte(byte: number): void {
    this.#room(1);
    this.#bytes[this.#size] = byte;
    this.#size += 1;
  }

  #room(bytes: number): void {
    if (this.#size + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#size + bytes));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
  }
}

function textSize(bytes: number): number {
  if (bytes <= LONGEST_SHORT_TEXT) return 1 + bytes;
  let length = 1;
  for (let rest = bytes; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return 1 + length + bytes;
}

function kindOf(children: readonly Node[]): number {
  if (children.length === 0) return KIND.empty;
  if (children.every((node) => typeof node !== 'string')) return KIND.elements;
  return children.length === 1 ? KIND.text : KIND.mixed;
}

/** The namespace and local name of an attribute's key. */
function splitKey(key: string): [string, string] {
  if (key.startsWith('xml:')) return [XML_NAMESPACE, key.slice(4)];
  const end = key.startsWith('{') ? key.indexOf('}') : -1;
  return end > 1 ? [key.slice(1, end), key.slice(end + 1)] : ['', key];
}
