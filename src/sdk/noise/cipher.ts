// ChaChaPoly as the Noise Protocol Framework uses it (revision 34, section 12.3), with a counter
// for a nonce.

import { chacha20poly1305 } from '@noble/ciphers/chacha.js';

const NONE = new Uint8Array(0);
/** docs/PROTOCOL.md section 2.3: the connection ends before a counter passes it. */
const LAST_NONCE = 2 ** 32 - 1;

/** One direction of a connection, or the key of a handshake. Owned by one connection. */
export class CipherState {
  private nonce = 0;

  constructor(private readonly key: Uint8Array) {}

  /** Encrypts; the result is 16 bytes longer. Throws a RangeError when the key is used up. */
  seal(plain: Uint8Array, associated: Uint8Array = NONE): Uint8Array {
    return this.cipher(associated).encrypt(plain);
  }

  /** Decrypts. Throws when the bytes are not what the other side sealed. */
  open(sealed: Uint8Array, associated: Uint8Array = NONE): Uint8Array {
    return this.cipher(associated).decrypt(sealed);
  }

  private cipher(associated: Uint8Array) {
    if (this.nonce > LAST_NONCE) throw new RangeError('this connection has used up its key');
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setUint32(4, this.nonce++, true);
    return chacha20poly1305(this.key, nonce, associated);
  }
}
