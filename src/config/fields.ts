// The kinds of value a configuration key can have. Each says in words what may be written, so that
// a wrong value is always answered with a right one; the same words stand in the reference.

import { isIP } from 'node:net';
import { z } from 'zod';

/** What the reference says of a key; kept with its schema. */
export interface FieldDoc {
  readonly doc: string;
  /** What may be written, for messages and for the reference. */
  readonly write: string;
  /** The default in words, where it is worked out at start. */
  readonly defaultText?: string;
}

const docs = new WeakMap<object, FieldDoc>();

/** The documentation of a schema made here. */
export function fieldDoc(schema: object): FieldDoc | undefined {
  return docs.get(schema);
}

function documented<T extends object>(schema: T, doc: FieldDoc): T {
  docs.set(schema, doc);
  return schema;
}

interface IntegerOptions {
  readonly min: number;
  readonly max: number;
  readonly fallback: number | (() => number);
  readonly defaultText?: string;
}

/** A whole number within limits. */
export function integer(doc: string, options: IntegerOptions) {
  const { min, max, fallback, defaultText } = options;
  const write = `a whole number from ${min} to ${max}`;
  const error = () => write;
  const schema = z
    .number({ error })
    .int({ error })
    .min(min, { error })
    .max(max, { error })
    .default(typeof fallback === 'function' ? fallback() : fallback);
  return documented(
    schema,
    defaultText === undefined ? { doc, write } : { doc, write, defaultText },
  );
}

/** `true` or `false`. */
export function flag(doc: string, fallback: boolean) {
  const write = '`true` or `false`';
  return documented(z.boolean({ error: () => write }).default(fallback), { doc, write });
}

/** One of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(
  doc: string,
  words: T,
  fallback: T[number],
) {
  const write = `one of ${words.map((word) => `\`${word}\``).join(', ')}`;
  const schema = z.enum(words, { error: () => write }).default(fallback as never);
  return documented(schema, { doc, write });
}

/** Text that a check accepts, possibly put into another form by it. */
export function text(
  doc: string,
  write: string,
  fallback: string,
  check: (value: string) => string | undefined = (value) => value,
  defaultText?: string,
) {
  const schema = z
    .string({ error: () => write })
    .transform((value, context) => {
      const good = check(value);
      if (good !== undefined) return good;
      context.issues.push({ code: 'custom', message: write, input: value });
      return z.NEVER;
    })
    .prefault(fallback);
  return documented(
    schema,
    defaultText === undefined ? { doc, write } : { doc, write, defaultText },
  );
}

/** A list of texts that a check accepts, each possibly put into another form by it. */
export function textList(
  doc: string,
  write: string,
  check: (value: string) => string | undefined = (value) => value,
  fallback: string[] = [],
) {
  const item = z.string({ error: () => write }).transform((value, context) => {
    const good = check(value);
    if (good !== undefined) return good;
    context.issues.push({ code: 'custom', message: write, input: value });
    return z.NEVER;
  });
  return documented(z.array(item, { error: () => write }).prefault(fallback), { doc, write });
}

/** A file or folder. Relative names are resolved by the loader. */
export function path(doc: string, fallback: string, defaultText?: string) {
  return text(doc, 'the name of a file or folder', fallback, (value) => value, defaultText);
}

/** An address and a port to listen on. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** Parses `127.0.0.1:5222`, `[::1]:5222` or `*:5222`; undefined when it is none of these. */
export function parseListenAddress(value: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/u.exec(value);
  if (match === null) return undefined;
  const names: Record<string, string> = { '*': '0.0.0.0', localhost: '127.0.0.1' };
  const address = match[1] ?? names[match[2] ?? ''] ?? match[2] ?? '';
  const port = Number(match[3]);
  const family = isIP(address);
  if (port > 65535 || (match[1] === undefined ? family !== 4 : family !== 6)) return undefined;
  return { address, port };
}

/** The written form of a listen address. */
export function formatListenAddress({ address, port }: ListenAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** One `address:port`, or `off`. */
export function listenOrOff(doc: string, fallback: string) {
  const write = '`off` or address:port with a numeric address, such as `127.0.0.1:5280`';
  return text(doc, write, fallback, (value) => {
    if (value === 'off') return value;
    const parsed = parseListenAddress(value);
    return parsed === undefined ? undefined : formatListenAddress(parsed);
  });
}

/** Whether only this machine itself can reach an address. */
export function isLoopback({ address }: ListenAddress): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** A list of `address:port`; the empty list opens nothing. */
export function listenList(doc: string, fallback: string[]) {
  const write =
    'a list of address:port with numeric addresses, such as `127.0.0.1:5222` or `"[::]:5222"`';
  const item = z.string({ error: () => write }).transform((value, context) => {
    const parsed = parseListenAddress(value);
    if (parsed !== undefined) return formatListenAddress(parsed);
    context.issues.push({ code: 'custom', message: write, input: value });
    return z.NEVER;
  });
  const schema = z.array(item, { error: () => write }).prefault(fallback);
  return documented(schema, { doc, write });
}
