// What a device brings and gets when it joins an account, and what becomes of sessions when one
// leaves.

import { type Command, StreamCondition } from '../../engine/boundary.gen.js';
import type { Device, NewDevice } from '../devices.js';
import { keyedHash, randomBytes } from '../sodium.js';

const TOKEN_BYTES = 32;

/** What a device says of itself. */
export interface OfferedDevice {
  /** X25519, public. */
  readonly key: Uint8Array;
  readonly name: string;
}

/** A device that has joined, with the token that only it is told. */
export interface EnrolledDevice {
  readonly device: Device;
  readonly token: string;
}

/** What is stored of a token. */
export function tokenHash(secret: Uint8Array, token: string): string {
  return keyedHash(secret, 'token', token).toString('hex');
}

/** A record for a device, and its token. */
export function newDevice(
  { key, name }: OfferedDevice,
  secret: Uint8Array,
): { stored: NewDevice; token: string } {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  return { stored: { key, name, tokenHash: tokenHash(secret, token) }, token };
}

/** Ends the sessions of one resource; with an empty one, of them all. */
export function endSessions(user: string, resource: string, text: string): Command {
  const condition = StreamCondition.notAuthorized;
  return { kind: 'CloseSessions', user, resource, except: 0n, condition, text };
}
