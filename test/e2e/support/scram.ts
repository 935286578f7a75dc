// The client's side of SCRAM (RFC 5802) for test clients.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

export type ScramHash = 'sha1' | 'sha256';

const salted = new Map<string, Buffer>();

export class Scram {
  readonly #nonce = randomBytes(12).toString('base64');
  readonly #hash: ScramHash;
  readonly #user: string;
  readonly #password: string;
  #serverSignature = '';

  constructor(hash: ScramHash, user: string, password: string) {
    this.#hash = hash;
    this.#user = user;
    this.#password = password;
  }

  first(): string {
    return `n,,${this.#firstBare()}`;
  }

  final(challenge: string): string {
    const fields = fieldsOf(challenge);
    const nonce = fields.get('r') ?? '';
    const salt = fields.get('s') ?? '';
    if (!nonce.startsWith(this.#nonce)) throw new Error('the server changed the nonce');
    const key = this.#saltedPassword(salt, Number(fields.get('i')));
    const clientKey = this.#hmac(key, 'Client Key');
    const storedKey = createHash(this.#hash).update(clientKey).digest();
    const withoutProof = `c=biws,r=${nonce}`;
    const message = `${this.#firstBare()},${challenge},${withoutProof}`;
    const signature = this.#hmac(storedKey, message);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
    this.#serverSignature = this.#hmac(this.#hmac(key, 'Server Key'), message).toString('base64');
    return `${withoutProof},p=${proof.toString('base64')}`;
  }

  /** Whether the server has proved that it knows the password, too. */
  verify(success: string): boolean {
    return this.#serverSignature !== '' && fieldsOf(success).get('v') === this.#serverSignature;
  }

  #firstBare(): string {
    return `n=${this.#user},r=${this.#nonce}`;
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest();
  }

  #saltedPassword(salt: string, iterations: number): Buffer {
    const name = `${this.#hash} ${salt} ${iterations} ${this.#password}`;
    let key = salted.get(name);
    if (key === undefined) {
      const bytes = this.#hash === 'sha1' ? 20 : 32;
      key = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), iterations, bytes, this.#hash);
      salted.set(name, key);
    }
    return key;
  }
}

function fieldsOf(message: string): Map<string, string> {
  return new Map(message.split(',').map((field) => [field.slice(0, 1), field.slice(2)]));
}
