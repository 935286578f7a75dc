// The control plane's own LMDB environment, under data/control. The main thread and every pool
// worker open it; LMDB lets one of them write at a time. A commit is on disk before its promise
// resolves.

import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';

/** A key is a tuple of text; long parts are hashed, because LMDB bounds its keys. */
export type StoreKey = string[];

const MAX_PART_BYTES = 255;
const MAX_DATABASES = 32;
const MAP_BYTES = 2 ** 37;

/** Shortens a part of a key that is too long to be one. The record itself carries the full text. */
export function keyPart(text: string): string {
  if (Buffer.byteLength(text) <= MAX_PART_BYTES) return text;
  return `#${createHash('sha256').update(text).digest('base64')}`;
}

/** A table of the environment. Reads are immediate; writes belong into a transaction. */
export class Table<Value> {
  constructor(private readonly database: Database<Value, StoreKey>) {}

  get(...parts: string[]): Value | undefined {
    return this.database.get(parts.map(keyPart));
  }

  has(...parts: string[]): boolean {
    return this.database.doesExist(parts.map(keyPart));
  }

  /** Only inside Store.transaction. */
  put(value: Value, ...parts: string[]): void {
    this.database.putSync(parts.map(keyPart), value);
  }

  /** Only inside Store.transaction. */
  remove(...parts: string[]): void {
    this.database.removeSync(parts.map(keyPart));
  }

  /** Writes outside a transaction, batched with others; resolves when it is on disk. */
  async putLater(value: Value, ...parts: string[]): Promise<void> {
    await this.database.put(parts.map(keyPart), value);
  }

  /** The values whose key begins with these parts, in the order of their keys. */
  *values(...parts: string[]): Generator<Value> {
    const start = parts.map(keyPart);
    // A tuple sorts behind its own prefix, and before it with the last code point appended.
    const end = start.length === 0 ? undefined : [...start, '\u{10ffff}'];
    const range = end === undefined ? {} : { start, end };
    for (const { value } of this.database.getRange(range)) yield value;
  }

  /** The values whose key comes behind this one. */
  *valuesAfter(...parts: string[]): Generator<Value> {
    const start = parts.map(keyPart);
    for (const { value } of this.database.getRange({ start, exclusiveStart: true })) yield value;
  }

  /** How many records there are. */
  count(): number {
    return this.database.getCount();
  }
}

/** The environment with its tables, opened by their names. */
export class Store {
  private constructor(private readonly root: RootDatabase<unknown, StoreKey>) {}

  /**
   * Opens, or makes, the environment under a data folder. A scratch one is thrown away soon, so it
   * never waits for the disk.
   */
  static open(dataFolder: string, options: { readonly scratch?: boolean } = {}): Store {
    const path = join(dataFolder, 'control');
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const root = open<unknown, StoreKey>({
      path,
      maxDbs: MAX_DATABASES,
      mapSize: MAP_BYTES,
      // A promise that resolves before the data is on disk would make "accepted" a guess.
      overlappingSync: false,
      noSync: options.scratch ?? false,
    });
    return new Store(root);
  }

  table<Value>(name: string): Table<Value> {
    return new Table(this.root.openDB<Value, StoreKey>({ name }));
  }

  /**
   * Runs `work` as the only writer; what it reads is the newest. It must not wait for anything, and
   * must check before it writes: a throw does not undo what it wrote. Resolves once on disk.
   */
  async transaction<Result>(work: () => Result): Promise<Result> {
    return await this.root.transaction(work);
  }

  /** Lets the next reads of this turn see what other threads have committed meanwhile. */
  refresh(): void {
    this.root.resetReadTxn();
  }

  async close(): Promise<void> {
    await this.root.close();
  }
}
