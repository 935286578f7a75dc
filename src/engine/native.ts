// The only loader of the addon. A locally built one (build-cmake/) goes before the one that the
// package carries (prebuilds/), and one whose records differ from ours is refused.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type AddressPart, boundaryHash } from './boundary.gen.js';

/** The addon's entry points, as native/binding/addon.cc defines them. */
export interface NativeAddon {
  readonly boundaryHash: bigint;
  /** Main thread only, as are onBatch, drain and stop. Blocks while the mailboxes are indexed. */
  start(config: Uint8Array): void;
  /** Any thread. Copies the records. False when a queue is full: nothing of the batch is taken. */
  submit(commands: Uint8Array): boolean;
  /** The batch is borrowed: it is detached when the callback returns. */
  onBatch(callback: (events: Uint8Array) => void): void;
  /** Any thread. JSON. */
  stats(): string;
  /** Any thread, with or without an engine: what the figures of stats() mean. JSON. */
  metricsHelp(): string;
  /** Any thread, with or without an engine. Undefined: the text is no such part of an address. */
  normalise(part: AddressPart, text: string): string | undefined;
  drain(): void;
  stop(): void;
}

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../../', import.meta.url));
const localBuild = `${root}build-cmake/RelWithDebInfo/rookery.node`;

function findAddon(): string {
  if (existsSync(localBuild)) return localBuild;
  const prebuilds = require('pkg-prebuilds') as {
    resolve(root: string, options: unknown, verify: boolean, mustExist: boolean): string | null;
  };
  const found = prebuilds.resolve(root, require('../../binding-options.cjs'), true, false);
  if (found === null) {
    throw new Error(
      `no addon for ${process.platform}-${process.arch}: neither ${localBuild} nor one under ` +
        `${root}prebuilds. In a checkout scripts/setup builds it, elsewhere npm rebuild rookery`,
    );
  }
  return found;
}

/** Refuses an addon which was built from another boundary.json. */
export function checkHash(addon: Pick<NativeAddon, 'boundaryHash'>, path: string): void {
  if (addon.boundaryHash === boundaryHash) return;
  const hex = (hash: bigint | undefined) => hash?.toString(16) ?? 'none';
  throw new Error(
    `the addon ${path} has other records than this program (boundary hash ` +
      `${hex(addon.boundaryHash)}, expected ${hex(boundaryHash)}): build both again`,
  );
}

let loaded: NativeAddon | undefined;

/** Loads the addon once per thread. */
export function loadNative(): NativeAddon {
  if (loaded === undefined) {
    const path = findAddon();
    const addon = require(path) as NativeAddon;
    checkHash(addon, path);
    loaded = addon;
  }
  return loaded;
}
