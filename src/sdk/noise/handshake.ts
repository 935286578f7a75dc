// The initiator's side of Noise_XX and Noise_IK with 25519, ChaChaPoly and BLAKE2b (Noise Protocol
// Framework, revision 34; docs/PROTOCOL.md section 2.3). No I/O: messages in, messages out.

import { x25519 } from '@noble/curves/ed25519.js';
import { blake2b } from '@noble/hashes/blake2.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { joined } from './bytes.js';
import { CipherState } from './cipher.js';

const KEY_BYTES = 32;
const TAG_BYTES = 16;
const HASH_BYTES = 64;
const NONE = new Uint8Array(0);

/** A pair of X25519 keys, 32 bytes each. */
export interface KeyPair {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Both directions after a handshake. */
export interface NoisePair {
  readonly send: CipherState;
  readonly receive: CipherState;
  /** Identifies this handshake; equal on both sides. */
  readonly hash: Uint8Array;
}

/** Makes a key pair; `secretKey` may be given (it is 32 random bytes otherwise). */
export function keyPair(secretKey: Uint8Array = x25519.utils.randomSecretKey()): KeyPair {
  return { secretKey, publicKey: x25519.getPublicKey(secretKey) };
}

/** Noise's HKDF with two outputs (section 4.3), which is RFC 5869's without an info. */
function derive(chainingKey: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array] {
  const both = expand(blake2b, extract(blake2b, input, chainingKey), NONE, 2 * HASH_BYTES);
  return [both.subarray(0, HASH_BYTES), both.subarray(HASH_BYTES)];
}

/** The symmetric state of a handshake (section 5.2). */
class SymmetricState {
  hash: Uint8Array;
  private chainingKey: Uint8Array;
  private cipher: CipherState | undefined;

  constructor(protocol: string, prologue: Uint8Array) {
    const name = new TextEncoder().encode(protocol);
    const start = new Uint8Array(HASH_BYTES);
    start.set(name);
    this.hash = start;
    this.chainingKey = start;
    this.mixHash(prologue);
  }

  mixHash(data: Uint8Array): void {
    this.hash = blake2b(joined(this.hash, data));
  }

  mixKey(input: Uint8Array): void {
    const [chainingKey, key] = derive(this.chainingKey, input);
    this.chainingKey = chainingKey;
    this.cipher = new CipherState(key.subarray(0, KEY_BYTES));
  }

  encrypt(plain: Uint8Array): Uint8Array {
    const sealed = this.cipher === undefined ? plain : this.cipher.seal(plain, this.hash);
    this.mixHash(sealed);
    return sealed;
  }

  decrypt(sealed: Uint8Array): Uint8Array {
    const plain = this.cipher === undefined ? sealed : this.cipher.open(sealed, this.hash);
    this.mixHash(sealed);
    return plain;
  }

  split(): NoisePair {
    const [first, second] = derive(this.chainingKey, NONE);
    return {
      send: new CipherState(first.subarray(0, KEY_BYTES)),
      receive: new CipherState(second.subarray(0, KEY_BYTES)),
      hash: this.hash,
    };
  }
}

function taken(message: Uint8Array, from: number, to: number): Uint8Array {
  if (message.length < to) throw new Error('the server sent a handshake message that is too short');
  return message.subarray(from, to);
}

/** IK: the server's key is known, and one round trip does. */
export class InitiatorIk {
  private readonly state: SymmetricState;
  private readonly ephemeral: KeyPair;

  /** `own`: the device's key; `server`: the server's static public key, 32 bytes. */
  constructor(
    private readonly own: KeyPair,
    private readonly server: Uint8Array,
    prologue: Uint8Array,
    ephemeral: KeyPair = keyPair(),
  ) {
    this.ephemeral = ephemeral;
    this.state = new SymmetricState('Noise_IK_25519_ChaChaPoly_BLAKE2b', prologue);
    this.state.mixHash(server);
  }

  /** → e, es, s, ss and the payload. */
  first(payload: Uint8Array): Uint8Array {
    const { state, ephemeral, own, server } = this;
    state.mixHash(ephemeral.publicKey);
    state.mixKey(x25519.getSharedSecret(ephemeral.secretKey, server));
    const key = state.encrypt(own.publicKey);
    state.mixKey(x25519.getSharedSecret(own.secretKey, server));
    return joined(ephemeral.publicKey, key, state.encrypt(payload));
  }

  /**
   * ← e, ee, se: the payload and the ciphers. Throws when it is not of the server that was
   * meant.
   */
  finish(message: Uint8Array): { payload: Uint8Array; pair: NoisePair } {
    const { state, ephemeral, own } = this;
    const theirs = taken(message, 0, KEY_BYTES);
    state.mixHash(theirs);
    state.mixKey(x25519.getSharedSecret(ephemeral.secretKey, theirs));
    state.mixKey(x25519.getSharedSecret(own.secretKey, theirs));
    const payload = state.decrypt(message.subarray(KEY_BYTES));
    return { payload, pair: state.split() };
  }
}

/** XX: the server's key is not known yet, and comes with a certificate. */
export class InitiatorXx {
  private readonly state: SymmetricState;
  private readonly ephemeral: KeyPair;
  private theirEphemeral: Uint8Array = NONE;

  /** `own`: the device's key. */
  constructor(
    private readonly own: KeyPair,
    prologue: Uint8Array,
    ephemeral: KeyPair = keyPair(),
  ) {
    this.ephemeral = ephemeral;
    this.state = new SymmetricState('Noise_XX_25519_ChaChaPoly_BLAKE2b', prologue);
  }

  /** → e, with a payload that anybody can read. */
  first(payload: Uint8Array = NONE): Uint8Array {
    this.state.mixHash(this.ephemeral.publicKey);
    return joined(this.ephemeral.publicKey, this.state.encrypt(payload));
  }

  /** ← e, ee, s, es: the server's static key, and its certificate as payload. */
  second(message: Uint8Array): { serverKey: Uint8Array; payload: Uint8Array } {
    const { state, ephemeral } = this;
    const theirs = taken(message, 0, KEY_BYTES);
    this.theirEphemeral = theirs.slice();
    state.mixHash(theirs);
    state.mixKey(x25519.getSharedSecret(ephemeral.secretKey, theirs));
    const end = KEY_BYTES + KEY_BYTES + TAG_BYTES;
    const serverKey = state.decrypt(taken(message, KEY_BYTES, end));
    state.mixKey(x25519.getSharedSecret(ephemeral.secretKey, serverKey));
    return { serverKey, payload: state.decrypt(message.subarray(end)) };
  }

  /** → s, se and the payload; the handshake is complete. */
  third(payload: Uint8Array): { message: Uint8Array; pair: NoisePair } {
    const { state, own } = this;
    const key = state.encrypt(own.publicKey);
    state.mixKey(x25519.getSharedSecret(own.secretKey, this.theirEphemeral));
    const message = joined(key, state.encrypt(payload));
    return { message, pair: state.split() };
  }
}
