// What the routes work with.

import { isIP } from 'node:net';
import type { Config } from '../config/schema.js';
import type { Effect } from '../services/effects.js';
import type { NoiseIdentity } from '../services/noise-identity.js';
import type { DeviceKeeper } from '../services/registration/device-keeper.js';
import type { Registrar } from '../services/registration/registrar.js';
import { Problem } from './problem.js';

/** Where devices connect. */
export interface Endpoints {
  readonly webSocket: readonly string[];
  readonly compact: readonly string[];
}

export interface ApiParts {
  readonly domain: string;
  readonly version: string;
  readonly config: Config['registration'];
  readonly identity: Pick<NoiseIdentity, 'publicKey' | 'identityKey'>;
  /** Undefined when registration by number is off. */
  readonly registrar: Registrar | undefined;
  readonly keeper: DeviceKeeper;
  /** Names by which clients call this server. */
  readonly ownNames: ReadonlySet<string>;
  /** Tells the engine. */
  apply(effects: readonly Effect[]): Promise<void>;
  /** As a client that calls the server by this name reaches them. */
  endpoints(host: string): Endpoints;
}

/**
 * Whether a client calls the server by a name or address of its own. A page of somebody else's that
 * has its own name lead here calls it by that one.
 */
export function isOwnName({ ownNames }: ApiParts, host: string): boolean {
  return ownNames.has(host) || isIP(host.replace(/^\[|\]$/gu, '')) !== 0;
}

/** Base64, as the interface writes keys. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** The answer to somebody who has had their share. */
export function limited(retryAfterSeconds: number, detail: string): Problem {
  return new Problem(429, 'too-many-requests', { retryAfterSeconds, detail });
}
