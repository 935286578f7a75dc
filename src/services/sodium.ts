// The parts of libsodium that the server uses, with types. The package itself has none.

import { createRequire } from 'node:module';

interface Sodium {
  crypto_generichash(output: Uint8Array, input: Uint8Array, key: Uint8Array): void;
  sodium_memcmp(left: Uint8Array, right: Uint8Array): boolean;
  randombytes_buf(buffer: Uint8Array): void;
  randombytes_uniform(upperBound: number): number;
  crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void;
  crypto_scalarmult(shared: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array): void;
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
}

const sodium = createRequire(import.meta.url)('sodium-native') as Sodium;

export const KEY_BYTES = 32;
const HASH_BYTES = 32;
const SIGN_SECRET_BYTES = 64;
const SIGNATURE_BYTES = 64;

/** Random bytes for keys, tokens and identifiers. */
export function randomBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  sodium.randombytes_buf(bytes);
  return bytes;
}

/** A random whole number below `bound`, every one as likely. */
export function randomBelow(bound: number): number {
  return sodium.randombytes_uniform(bound);
}

/** Keyed BLAKE2b of parts; each with its length before it, so that no two lists are one text. */
export function keyedHash(key: Uint8Array, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const pieces = parts.flatMap((part) => {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  const output = Buffer.alloc(HASH_BYTES);
  sodium.crypto_generichash(output, Buffer.concat(pieces), key);
  return output;
}

/** Whether both are the same; takes the same time wherever they differ. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && sodium.sodium_memcmp(left, right);
}

/** The X25519 public key of a private one. */
export function exchangePublicKey(privateKey: Uint8Array): Buffer {
  const publicKey = Buffer.alloc(KEY_BYTES);
  sodium.crypto_scalarmult_base(publicKey, privateKey);
  return publicKey;
}

/**
 * Whether 32 bytes can be somebody's X25519 public key: with a point of small order every secret
 * gives the same result, so that whoever logs in with one has proved nothing.
 */
export function isExchangeKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES) return false;
  try {
    // Throws when the result is all zero.
    sodium.crypto_scalarmult(Buffer.alloc(KEY_BYTES), Buffer.alloc(KEY_BYTES, 1), publicKey);
    return true;
  } catch {
    return false;
  }
}

/** An Ed25519 pair from its seed. */
export class SigningKey {
  readonly publicKey = Buffer.alloc(KEY_BYTES);
  private readonly secretKey = Buffer.alloc(SIGN_SECRET_BYTES);

  constructor(seed: Uint8Array) {
    sodium.crypto_sign_seed_keypair(this.publicKey, this.secretKey, seed);
  }

  sign(message: Uint8Array): Buffer {
    const signature = Buffer.alloc(SIGNATURE_BYTES);
    sodium.crypto_sign_detached(signature, message, this.secretKey);
    return signature;
  }
}
