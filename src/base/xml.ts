// Building stanzas: every text and attribute goes through the element's own escaping, never through
// string concatenation.

import { createElement, type Element, parse } from 'ltx';

/** Attributes as they are written down; undefined ones are left out. */
export type Attributes = Readonly<Record<string, string | undefined>>;
/** A child: an element, or text. */
export type Child = Element | string | undefined;

/** Makes an element. */
export function xml(name: string, attributes: Attributes = {}, ...children: Child[]): Element {
  const present = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return createElement(name, Object.fromEntries(present), ...children.filter(isPresent));
}

function isPresent(child: Child): child is Element | string {
  return child !== undefined;
}

/** Parses one complete stanza; throws on anything else. */
export function parseXml(text: string): Element {
  return parse(text);
}

/** The child elements, without the text between them. */
export function elements(parent: Element): Element[] {
  return parent.children.filter((child): child is Element => typeof child === 'object');
}

/** An attribute's text, or undefined. */
export function attribute(element: Element, name: string): string | undefined {
  const value: unknown = element.attrs[name];
  return typeof value === 'string' ? value : undefined;
}

export type { Element };
