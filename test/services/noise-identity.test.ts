// The server's Noise keys: made once, kept secret, and vouched for as docs/PROTOCOL.md §2.4 says.

import assert from 'node:assert/strict';
import { createPublicKey, diffieHellman, generateKeyPairSync, verify } from 'node:crypto';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openNoiseIdentity } from '../../src/services/noise-identity.js';
import { isExchangeKey } from '../../src/services/sodium.js';
import { temporaryFolder } from '../helpers.js';

const publicKey = (curve: 'Ed25519' | 'X25519', bytes: Uint8Array) =>
  createPublicKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: curve, x: Buffer.from(bytes).toString('base64url') },
  });

describe('noise identity', () => {
  const folder = temporaryFolder();
  after(folder.remove);

  it('is made at the first start, for its owner’s eyes only, and stays', () => {
    const first = openNoiseIdentity(folder.path, 'example.org');
    for (const name of ['noise.key', 'identity.key']) {
      assert.equal(statSync(join(folder.path, name)).mode & 0o777, 0o600);
    }
    assert.deepEqual(openNoiseIdentity(folder.path, 'example.org'), first);
    chmodSync(join(folder.path, 'noise.key'), 0o644);
    assert.throws(() => openNoiseIdentity(folder.path, 'example.org'), /others.*may read/u);
    chmodSync(join(folder.path, 'noise.key'), 0o600);
    writeFileSync(join(folder.path, 'noise.key'), 'short');
    assert.throws(() => openNoiseIdentity(folder.path, 'example.org'), /64 hexadecimal/u);
  });

  it('has a certificate that node:crypto accepts', () => {
    const other = temporaryFolder();
    const identity = openNoiseIdentity(other.path, 'bücher.example');
    other.remove();
    const { certificate } = identity;
    const domain = Buffer.from('bücher.example');
    assert.equal(certificate[0], 1);
    assert.equal(certificate.readBigUInt64BE(1), 0n);
    assert.equal(certificate[9], domain.length);
    const keyAt = 10 + domain.length;
    assert.deepEqual(certificate.subarray(10, keyAt), domain);
    assert.deepEqual(certificate.subarray(keyAt, keyAt + 32), identity.identityKey);
    const signature = certificate.subarray(keyAt + 32);
    const signed = Buffer.concat([
      Buffer.from('rookery certificate 1\0'),
      certificate.subarray(0, keyAt + 32),
      identity.publicKey,
    ]);
    const key = publicKey('Ed25519', identity.identityKey);
    assert.ok(verify(null, signed, key, signature));
    signed[40] = (signed[40] ?? 0) ^ 1;
    assert.ok(!verify(null, signed, key, signature));
  });

  it('has a static pair that agrees with another library’s', () => {
    const other = temporaryFolder();
    const identity = openNoiseIdentity(other.path, 'example.org');
    other.remove();
    const peer = generateKeyPairSync('x25519');
    const secret = diffieHellman({
      privateKey: peer.privateKey,
      publicKey: publicKey('X25519', identity.publicKey),
    });
    assert.equal(secret.length, 32);
    assert.ok(isExchangeKey(identity.publicKey));
  });

  it('knows keys with which nothing can be proved', () => {
    assert.ok(!isExchangeKey(new Uint8Array(32)));
    assert.ok(!isExchangeKey(Uint8Array.of(1, ...new Uint8Array(31))));
    assert.ok(!isExchangeKey(new Uint8Array(31).fill(9)));
  });
});
