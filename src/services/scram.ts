// SCRAM keys (RFC 5802, RFC 7677): what is kept instead of a password. A password is never written
// anywhere, and its keys are derived where it was typed.

import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);
/** How long every account's salts are: one that differed could be told from a made-up one. */
export const SALT_BYTES = 16;

/** The keys of one hash. */
export interface ScramKeys {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** The keys of both hashes that the engine offers. */
export interface ScramCredentials {
  readonly sha1: ScramKeys;
  readonly sha256: ScramKeys;
}

const NON_ASCII_SPACE = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
const MAPPED_TO_NOTHING =
  /\u00ad|\u034f|\u1806|\u180b|\u180c|\u180d|[\u200b-\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused here.
const PROHIBITED = /[\u0000-\u001f\u007f-\u009f\ufff9-\uffff\ue000-\uf8ff\u2028\u2029]/u;
const MAX_PASSWORD_BYTES = 1023;

/**
 * SASLprep (RFC 4013) of a password, so that the same password typed on another keyboard gives the
 * same keys. Undefined when it is empty, too long or has characters nobody can type.
 */
export function preparePassword(password: string): string | undefined {
  const mapped = password.replace(NON_ASCII_SPACE, ' ').replace(MAPPED_TO_NOTHING, '');
  const prepared = mapped.normalize('NFKC');
  const bytes = Buffer.byteLength(prepared);
  if (bytes === 0 || bytes > MAX_PASSWORD_BYTES || PROHIBITED.test(prepared)) return undefined;
  return prepared;
}

async function deriveKeys(
  hash: 'sha1' | 'sha256',
  password: string,
  iterations: number,
  salt: Uint8Array,
): Promise<ScramKeys> {
  const length = hash === 'sha1' ? 20 : 32;
  const salted = await derive(password, salt, iterations, length, hash);
  const clientKey = createHmac(hash, salted).update('Client Key').digest();
  return {
    iterations,
    salt,
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, salted).update('Server Key').digest(),
  };
}

/** Derives the keys of a prepared password, with a salt of its own for each hash. */
export async function deriveCredentials(
  password: string,
  iterations: number,
  salt: () => Uint8Array = () => randomBytes(SALT_BYTES),
): Promise<ScramCredentials> {
  const [sha1, sha256] = await Promise.all([
    deriveKeys('sha1', password, iterations, salt()),
    deriveKeys('sha256', password, iterations, salt()),
  ]);
  return { sha1, sha256 };
}
