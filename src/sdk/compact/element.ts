// An element of the compact protocol as a program has it, and the rules of names and text that both
// directions of the encoding check (docs/PROTOCOL.md, section 5). Nothing here needs Node.

/** A node of an element's content: an element, or text. */
export type Node = Element | string;

/**
 * An element. The keys of attributes are local names; `xml:lang` for attributes of the namespace of
 * XML itself, and `{namespace}name` for those of any other.
 */
export interface Element {
  readonly name: string;
  readonly xmlns: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Node[];
}

export const CLIENT_NAMESPACE = 'jabber:client';
export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';
export const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/';

/** Makes an element; without a namespace it is one of `jabber:client`. */
export function element(
  name: string,
  xmlns: string = CLIENT_NAMESPACE,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: Node[]
): Element {
  const present: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) present[key] = value;
  }
  return { name, xmlns, attributes: present, children };
}

/** The first child element of that name and namespace. */
export function child(parent: Element, name: string, xmlns = parent.xmlns): Element | undefined {
  return parent.children.find(
    (node): node is Element =>
      typeof node !== 'string' && node.name === name && node.xmlns === xmlns,
  );
}

/** All direct text, joined. */
export function text(parent: Element): string {
  return parent.children.filter((node) => typeof node === 'string').join('');
}

export type CompactProblem =
  | 'truncated'
  | 'trailing-bytes'
  | 'bad-varint'
  | 'bad-form'
  | 'bad-index'
  | 'bad-padding'
  | 'bad-text'
  | 'bad-name'
  | 'bad-namespace'
  | 'empty-content'
  | 'duplicate-attribute'
  | 'too-deep'
  | 'too-many-attributes'
  | 'too-large';

/** Bytes that are no element, or an element that cannot be encoded. */
export class CompactError extends Error {
  override readonly name = 'CompactError';

  constructor(readonly problem: CompactProblem) {
    super(`compact encoding: ${problem}`);
  }
}

const NAME_START =
  'A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF' +
  '\\u200C\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD' +
  '\\u{10000}-\\u{EFFFF}';
const NAME = new RegExp(
  `^[${NAME_START}][${NAME_START}.0-9\\u00B7\\u0300-\\u036F\\u203F\\u2040-]*$`,
  'u',
);
const URI = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/;
// A lone surrogate is not in any of these ranges either.
const XML_TEXT = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

/** An NCName. (The fifth edition's: the server's fourth allows a little less beyond ASCII.) */
export function checkName(name: string): string {
  if (!NAME.test(name)) throw new CompactError('bad-name');
  return name;
}

export function checkNamespace(xmlns: string): string {
  if (!URI.test(xmlns) || xmlns === XMLNS_NAMESPACE) throw new CompactError('bad-namespace');
  return xmlns;
}

export function checkText(value: string): string {
  if (!XML_TEXT.test(value)) throw new CompactError('bad-text');
  return value;
}
