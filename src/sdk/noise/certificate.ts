// The certificate that ties a server's Noise key to its identity (docs/PROTOCOL.md section 2.4).

import { ed25519 } from '@noble/curves/ed25519.js';
import { joined } from './bytes.js';

const SIGNED_TEXT = new TextEncoder().encode('rookery certificate 1\0');
const VERSION = 1;
const IDENTITY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** What a certificate says, once its signature has been found good. */
export interface Certificate {
  readonly domain: string;
  /** Ed25519 public key of the server. */
  readonly identity: Uint8Array;
  /** After which it is not valid; undefined: no end. */
  readonly until: Date | undefined;
}

/** Reads a certificate and checks it for the server's static key. Throws what is wrong with it. */
export function checkCertificate(
  bytes: Uint8Array,
  serverKey: Uint8Array,
  now: Date = new Date(),
): Certificate {
  const broken = () => new Error('the server sent a certificate that is broken');
  if (bytes.length < 10 || bytes[0] !== VERSION) throw broken();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const untilSeconds = Number(view.getBigUint64(1));
  const domainEnd = 10 + (bytes[9] ?? 0);
  const signedEnd = domainEnd + IDENTITY_BYTES;
  if (bytes.length !== signedEnd + SIGNATURE_BYTES) throw broken();
  const identity = bytes.slice(domainEnd, signedEnd);
  const signed = joined(SIGNED_TEXT, bytes.subarray(0, signedEnd), serverKey);
  if (!ed25519.verify(bytes.subarray(signedEnd), signed, identity)) {
    throw new Error('the signature of the server’s certificate is wrong');
  }
  const until = untilSeconds === 0 ? undefined : new Date(untilSeconds * 1000);
  if (until !== undefined && until < now) {
    throw new Error(`the server’s certificate ended on ${until.toISOString()}`);
  }
  const domain = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(10, domainEnd));
  return { domain, identity, until };
}
