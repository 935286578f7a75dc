// Compares what was received with the pattern that a play wants.

import { Element, type Node } from 'ltx';

/** Says what differs, or nothing when the element fits. */
export function difference(
  pattern: Element,
  actual: Element,
  remembered: Map<string, string>,
): string | undefined {
  if (localName(pattern) !== localName(actual)) {
    return `wanted <${pattern.name}>, got <${actual.name}>`;
  }
  for (const [name, wanted] of Object.entries(pattern.attrs as Record<string, string>)) {
    if (name.startsWith('xmlns:')) continue;
    const value = name === 'xmlns' ? actual.getNS() : (actual.attrs[name] as string | undefined);
    if (!valueFits(wanted, value, remembered)) {
      return `<${pattern.name}>: wanted ${name}='${wanted}', got '${value ?? ''}'`;
    }
  }
  const wantedText = ownText(pattern);
  if (wantedText !== '' && !valueFits(wantedText, ownText(actual), remembered)) {
    return `<${pattern.name}>: wanted the text '${wantedText}', got '${ownText(actual)}'`;
  }
  return childrenDifference(pattern, actual, remembered);
}

// Every child of the pattern must fit a child of its own, in any order; a pattern's child `<not>`
// holds children that must not be there.
function childrenDifference(
  pattern: Element,
  actual: Element,
  remembered: Map<string, string>,
): string | undefined {
  const left = elementsOf(actual);
  for (const child of elementsOf(pattern)) {
    if (child.name === 'not') {
      for (const unwanted of elementsOf(child)) {
        const there = left.some((e) => difference(unwanted, e, new Map(remembered)) === undefined);
        if (there) return `<${pattern.name}> holds an unwanted <${unwanted.name}>`;
      }
      continue;
    }
    const differences = left.map((candidate) => {
      const trial = new Map(remembered);
      return { problem: difference(child, candidate, trial), trial };
    });
    const at = differences.findIndex(({ problem }) => problem === undefined);
    if (at < 0) {
      const near = differences.find((_, index) => localName(left[index]) === localName(child));
      return near?.problem ?? `<${pattern.name}> lacks <${child.name}>`;
    }
    for (const [name, value] of differences[at]?.trial ?? []) remembered.set(name, value);
    left.splice(at, 1);
  }
  return undefined;
}

function valueFits(
  wanted: string,
  value: string | undefined,
  remembered: Map<string, string>,
): boolean {
  if (wanted === 'absent') return value === undefined;
  if (value === undefined) return false;
  if (wanted === '*') return true;
  const variable = /^\{\$(\w+)\}$/u.exec(wanted)?.[1];
  if (variable === undefined) return wanted === value;
  const known = remembered.get(variable);
  if (known === undefined) remembered.set(variable, value);
  return known === undefined || known === value;
}

function elementsOf(element: Element): Element[] {
  return element.children.filter((child: Node): child is Element => child instanceof Element);
}

function localName(element: Element | undefined): string {
  return element?.name.replace(/^.*:/u, '') ?? '';
}

function ownText(element: Element): string {
  const texts = element.children.filter((child: Node) => typeof child === 'string');
  return texts.join('').trim();
}
