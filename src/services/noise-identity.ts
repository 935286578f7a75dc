// Who the server is to Noise clients: a static key for their handshakes, and an identity key that
// vouches for it, so that the static key can be changed without the clients' losing their trust.
// docs/PROTOCOL.md §2.4 has the certificate.

import { secretFile } from './secret-file.js';
import { exchangePublicKey, SigningKey } from './sodium.js';

const VERSION = 1;
const PURPOSE = 'rookery certificate 1\0';

/** The keys of a server, and the proof that belongs to them. */
export interface NoiseIdentity {
  /** X25519, private: for the engine only. */
  readonly staticKey: Buffer;
  /** X25519, public: what clients are told at registration. */
  readonly publicKey: Buffer;
  /** Ed25519, public: what clients compare later. */
  readonly identityKey: Buffer;
  readonly certificate: Buffer;
}

/** The certificate of a static key, signed; without an end, because the identity key has none. */
export function noiseCertificate(
  domain: string,
  identity: SigningKey,
  publicKey: Uint8Array,
): Buffer {
  const name = Buffer.from(domain, 'utf8');
  if (name.length > 255) throw new RangeError('a domain has at most 255 bytes');
  const noEnd = Buffer.alloc(8);
  const signed = Buffer.concat([
    Buffer.of(VERSION),
    noEnd,
    Buffer.of(name.length),
    name,
    identity.publicKey,
  ]);
  const signature = identity.sign(Buffer.concat([Buffer.from(PURPOSE), signed, publicKey]));
  return Buffer.concat([signed, signature]);
}

/** Reads the keys under the data folder; makes them at the first start. */
export function openNoiseIdentity(dataFolder: string, domain: string): NoiseIdentity {
  const staticKey = secretFile(dataFolder, 'noise.key');
  const identity = new SigningKey(secretFile(dataFolder, 'identity.key'));
  const publicKey = exchangePublicKey(staticKey);
  return {
    staticKey,
    publicKey,
    identityKey: identity.publicKey,
    certificate: noiseCertificate(domain, identity, publicKey),
  };
}
