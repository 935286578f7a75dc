// Takes out of a stanza what people say to each other. What remains is what an operator needs:
// addresses, ids, types, namespaces, and how long each text was.

import { type Element, elements, parseXml } from '../base/xml.js';

/** Texts that say something about a client and nothing about a person. */
const HARMLESS = new Set(['show', 'priority', 'jid', 'resource']);
const MAX_DEPTH = 128;

function redactElement(element: Element, depth: number): void {
  const text = element.children.filter((child): child is string => typeof child === 'string');
  const characters = [...text.join('').trim()].length;
  if (characters > 0 && !HARMLESS.has(element.getName())) {
    element.children = element.children.filter((child) => typeof child !== 'string');
    element.children.unshift(`[${characters} characters]`);
  }
  if (depth === 0) return;
  for (const child of elements(element)) redactElement(child, depth - 1);
}

/** The stanza with the length of each text in its place. */
export function redact(stanza: string): string {
  const element = parseXml(stanza);
  redactElement(element, MAX_DEPTH);
  return element.toString();
}
