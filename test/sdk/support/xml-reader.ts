// Reads an element from XML, with namespaces, references and CDATA, into the form that the client
// library has; for tests that start from XML. It trusts its input to be well-formed.
import {
  CLIENT_NAMESPACE,
  type Element,
  type Node,
  XML_NAMESPACE,
} from '../../../src/sdk/compact/element.js';

interface Open {
  readonly element: Element & { readonly children: Node[] };
  readonly scope: ReadonlyMap<string, string>;
}

const TOKEN =
  /<!\[CDATA\[(.*?)\]\]>|<\/([^\s>]+)\s*>|<([^\s/>]+)((?:[^>"']|"[^"]*"|'[^']*')*?)(\/?)>|[^<]+/gs;
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/gs;
const REFERENCE = /&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(\w+));/g;
const NAMED: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  apos: "'",
  quot: '"',
};

export function readXml(xml: string): Element {
  const root = open(
    'root',
    '',
    new Map([
      ['', CLIENT_NAMESPACE],
      ['xml', XML_NAMESPACE],
      ['stream', 'http://etherx.jabber.org/streams'],
    ]),
  );
  const stack = [root];
  const top = (): Open => stack.at(-1) ?? root;
  for (const [token, cdata, ending, name, attributes, selfClosing] of xml.matchAll(TOKEN)) {
    if (ending !== undefined) {
      stack.pop();
    } else if (name !== undefined) {
      const opened = open(name, attributes ?? '', top().scope);
      top().element.children.push(opened.element);
      if (selfClosing === '') stack.push(opened);
    } else {
      const plain = lineEnds(cdata ?? token);
      append(top().element.children, cdata === undefined ? resolve(plain) : plain);
    }
  }
  const [element] = root.element.children;
  if (stack.length !== 1 || typeof element !== 'object') throw new Error(`no element: ${xml}`);
  return element;
}

function append(children: Node[], text: string): void {
  const last = children.at(-1);
  if (text === '') return;
  if (typeof last === 'string') children[children.length - 1] = last + text;
  else children.push(text);
}

function lineEnds(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

function resolve(text: string): string {
  return text.replace(REFERENCE, (_, hex, decimal, name) => {
    if (name !== undefined) return NAMED[name] ?? '';
    return String.fromCodePoint(Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16));
  });
}

function split(name: string): [string, string] {
  const colon = name.indexOf(':');
  return colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 1)];
}

function open(name: string, attributes: string, outside: ReadonlyMap<string, string>): Open {
  const scope = new Map(outside);
  const given: [string, string][] = [];
  for (const [, key = '', double, single] of attributes.matchAll(ATTRIBUTE)) {
    const value = resolve(lineEnds(double ?? single ?? '').replace(/[\t\n]/g, ' '));
    if (key === 'xmlns') scope.set('', value);
    else if (key.startsWith('xmlns:')) scope.set(key.slice(6), value);
    else given.push([key, value]);
  }
  const plain: Record<string, string> = Object.create(null);
  for (const [key, value] of given) {
    const [prefix, local] = split(key);
    const space = scope.get(prefix);
    const bare = prefix === '' || prefix === 'xml';
    plain[bare ? key : `{${space}}${local}`] = value;
  }
  const [prefix, local] = split(name);
  const xmlns = scope.get(prefix) ?? '';
  return { element: { name: local, xmlns, attributes: plain, children: [] }, scope };
}
