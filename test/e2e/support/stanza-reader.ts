// Cuts the text of an XML stream into its header, its complete top-level elements and its end, for
// test clients. Strict on purpose: what it does not understand is an error of the test or server.

import { type Element, parse } from 'ltx';

export type StreamItem =
  | { readonly kind: 'open'; readonly text: string }
  | { readonly kind: 'element'; readonly text: string; readonly element: Element }
  | { readonly kind: 'close' };

export class StanzaReader {
  #pending = '';
  #scanned = 0;
  #depth = 0;
  #inStream = false;

  /** Adds text and returns what it completes. */
  feed(text: string): StreamItem[] {
    this.#pending += text;
    const items: StreamItem[] = [];
    for (let item = this.#next(); item !== undefined; item = this.#next()) items.push(item);
    return items;
  }

  /** What was received of an item that is not complete. */
  get pending(): string {
    return this.#pending;
  }

  #next(): StreamItem | undefined {
    while (true) {
      const start = this.#pending.indexOf('<', this.#scanned);
      if (start < 0) return undefined;
      const end = tagEnd(this.#pending, start);
      if (end < 0) return undefined;
      this.#scanned = end;
      const second = this.#pending[start + 1];
      if (second === '?') continue;
      if (second === '!') throw new Error(`the server sent ${this.#pending.slice(start, end)}`);
      if (second === '/') {
        if (this.#depth === 0) {
          this.#take(end);
          return { kind: 'close' };
        }
        this.#depth -= 1;
      } else if (!this.#inStream) {
        this.#inStream = true;
        return { kind: 'open', text: this.#take(end) };
      } else if (this.#pending[end - 2] !== '/') {
        this.#depth += 1;
      }
      if (this.#depth === 0) {
        const taken = this.#take(end).trim();
        return { kind: 'element', text: taken, element: parse(taken) };
      }
    }
  }

  #take(end: number): string {
    const taken = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end);
    this.#scanned = 0;
    return taken;
  }
}

// The position behind the tag that starts there, or -1.
function tagEnd(text: string, start: number): number {
  let quote = '';
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at] as string;
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === "'" || character === '"') {
      quote = character;
    } else if (character === '>') {
      return at + 1;
    }
  }
  return -1;
}
