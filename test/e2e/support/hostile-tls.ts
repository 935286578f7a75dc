// A TLS 1.3 client that a test has in its hands record by record (RFC 8446, X25519 and
// TLS_AES_128_GCM_SHA256 only, certificates not checked), to do what no library would: stop
// anywhere, say too much, update its keys thousands of times.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { Attacker } from './attacker.js';

export const RECORD = { changeCipherSpec: 20, alert: 21, handshake: 22, data: 23 } as const;

const HEADER_BYTES = 5;
const TAG_BYTES = 16;
const SERVER_HELLO = 2;
const FINISHED = 20;

const u8 = (...values: number[]): Buffer => Buffer.from(values);
const u16 = (value: number): Buffer => u8(value >> 8, value & 255);
const u24 = (value: number): Buffer => u8(value >> 16, (value >> 8) & 255, value & 255);
const hash = (...parts: Buffer[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();
const hmac = (key: Buffer, data: Buffer): Buffer => createHmac('sha256', key).update(data).digest();

function expandLabel(secret: Buffer, label: string, context: Buffer, bytes: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = [u16(bytes), u8(name.length), name, u8(context.length), context, u8(1)];
  return hmac(secret, Buffer.concat(info)).subarray(0, bytes);
}

/** A record as it stands on the wire. */
export function record(type: number, content: Buffer): Buffer {
  return Buffer.concat([u8(type, 3, 3), u16(content.length), content]);
}

/** Keys of one direction. */
class Keys {
  secret: Buffer;
  #sequence = 0n;
  #key: Buffer = Buffer.alloc(0);
  #iv: Buffer = Buffer.alloc(0);

  constructor(secret: Buffer) {
    this.secret = secret;
    this.#derive();
  }

  #derive(): void {
    this.#key = expandLabel(this.secret, 'key', Buffer.alloc(0), 16);
    this.#iv = expandLabel(this.secret, 'iv', Buffer.alloc(0), 12);
    this.#sequence = 0n;
  }

  update(): void {
    this.secret = expandLabel(this.secret, 'traffic upd', Buffer.alloc(0), 32);
    this.#derive();
  }

  #nonce(): Buffer {
    const nonce = Buffer.from(this.#iv);
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ this.#sequence, 4);
    this.#sequence += 1n;
    return nonce;
  }

  seal(type: number, content: Buffer): Buffer {
    const header = Buffer.concat([u8(RECORD.data, 3, 3), u16(content.length + 1 + TAG_BYTES)]);
    const cipher = createCipheriv('aes-128-gcm', this.#key, this.#nonce()).setAAD(header);
    const text = Buffer.concat([cipher.update(Buffer.concat([content, u8(type)])), cipher.final()]);
    return Buffer.concat([header, text, cipher.getAuthTag()]);
  }

  open(sealed: Buffer): { type: number; content: Buffer } {
    const cipher = createDecipheriv('aes-128-gcm', this.#key, this.#nonce());
    cipher.setAAD(sealed.subarray(0, HEADER_BYTES));
    cipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const text = Buffer.concat([
      cipher.update(sealed.subarray(HEADER_BYTES, sealed.length - TAG_BYTES)),
      cipher.final(),
    ]);
    let end = text.length - 1;
    while (text[end] === 0) end -= 1;
    return { type: text[end] as number, content: text.subarray(0, end) };
  }
}

export class HostileTls {
  /** Decrypted application data. */
  text = '';
  /** Descriptions of the alerts that came, in the clear or protected (RFC 8446 section 6). */
  readonly alerts: number[] = [];
  /** How many records of keys the server has updated. */
  keyUpdates = 0;
  readonly #attacker: Attacker;
  readonly #private: KeyObject;
  readonly #hello: Buffer;
  readonly #transcript: Buffer[];
  #taken = 0;
  #handshakeBytes: Buffer = Buffer.alloc(0);
  #read: Keys | undefined;
  #write: Keys | undefined;
  #next: { read: Keys; write: Keys } | undefined;
  #handshakeSecret: Buffer = Buffer.alloc(0);
  #clientSecret: Buffer = Buffer.alloc(0);

  constructor(attacker: Attacker) {
    this.#attacker = attacker;
    const pair = generateKeyPairSync('x25519');
    this.#private = pair.privateKey;
    const share = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x as string, 'base64url');
    this.#hello = clientHello(share);
    this.#transcript = [this.#hello];
  }

  /** Its ClientHello, in one record. */
  get hello(): Buffer {
    return record(RECORD.handshake, this.#hello);
  }

  /** Waits for the server's answer to the hello, up to its Finished. */
  async answered(): Promise<void> {
    await this.#attacker.until(() => {
      this.take();
      return this.#next !== undefined;
    });
    if (this.#next === undefined) throw new Error(`no handshake; alerts ${this.alerts}`);
  }

  /** The whole handshake. */
  async handshake(): Promise<void> {
    this.#attacker.say(this.hello);
    await this.answered();
    this.finish();
  }

  /** Says Finished. */
  finish(): void {
    const key = expandLabel(this.#clientSecret, 'finished', Buffer.alloc(0), 32);
    const verify = hmac(key, hash(...this.#transcript));
    const message = Buffer.concat([u8(FINISHED), u24(verify.length), verify]);
    this.#write = new Keys(this.#clientSecret);
    this.#attacker.say(this.#write.seal(RECORD.handshake, message));
    if (this.#next === undefined) throw new Error('nothing to finish');
    this.#read = this.#next.read;
    this.#write = this.#next.write;
  }

  /** A protected record. */
  sealed(type: number, content: Buffer | string): Buffer {
    if (this.#write === undefined) throw new Error('the handshake is not done');
    return this.#write.seal(type, Buffer.from(content));
  }

  say(text: string): void {
    this.#attacker.say(this.sealed(RECORD.data, text));
  }

  /** A record that announces new keys of the client, which are then in use. */
  keyUpdate(requested: boolean): Buffer {
    const update = this.sealed(RECORD.handshake, u8(24, 0, 0, 1, requested ? 1 : 0));
    this.#write?.update();
    return update;
  }

  /** Waits for application data; fails when the connection ends without it. */
  async hear(text: string): Promise<void> {
    const heard = (): boolean => {
      this.take();
      return this.text.includes(text);
    };
    await this.#attacker.until(heard);
    if (!heard()) throw new Error(`ended without ${text}: ${this.text}, alerts ${this.alerts}`);
  }

  /** Looks at the records that have come. */
  take(): void {
    const bytes = this.#attacker.received;
    while (this.#taken + HEADER_BYTES <= bytes.length) {
      const end = this.#taken + HEADER_BYTES + bytes.readUInt16BE(this.#taken + 3);
      if (end > bytes.length) return;
      const whole = bytes.subarray(this.#taken, end);
      this.#taken = end;
      const type = whole[0] as number;
      if (type === RECORD.changeCipherSpec) continue;
      if (type !== RECORD.data) this.#plain(type, whole.subarray(HEADER_BYTES));
      else if (this.#read !== undefined) this.#open(this.#read.open(whole));
    }
  }

  #plain(type: number, content: Buffer): void {
    if (type === RECORD.alert) this.alerts.push(content[1] as number);
    else this.#handshake(content);
  }

  #open({ type, content }: { type: number; content: Buffer }): void {
    if (type === RECORD.data) this.text += content.toString('utf8');
    if (type === RECORD.alert) this.alerts.push(content[1] as number);
    if (type === RECORD.handshake) this.#handshake(content);
  }

  #handshake(content: Buffer): void {
    this.#handshakeBytes = Buffer.concat([this.#handshakeBytes, content]);
    while (this.#handshakeBytes.length >= 4) {
      const end = 4 + this.#handshakeBytes.readUIntBE(1, 3);
      if (end > this.#handshakeBytes.length) return;
      const message = this.#handshakeBytes.subarray(0, end);
      this.#handshakeBytes = this.#handshakeBytes.subarray(end);
      this.#message(message);
    }
  }

  #message(message: Buffer): void {
    if (this.#next !== undefined) {
      if (message[0] !== 24) return; // A session ticket.
      this.keyUpdates += 1;
      this.#read?.update();
      return;
    }
    this.#transcript.push(Buffer.from(message));
    if (message[0] === SERVER_HELLO) this.#agree(message);
    if (message[0] === FINISHED) this.#applicationKeys();
  }

  #agree(serverHello: Buffer): void {
    const share = keyShare(serverHello);
    const key = { kty: 'OKP', crv: 'X25519', x: share.toString('base64url') };
    const publicKey = createPublicKey({ key, format: 'jwk' });
    const shared = diffieHellman({ privateKey: this.#private, publicKey });
    const zeros = Buffer.alloc(32);
    const derived = expandLabel(hmac(zeros, zeros), 'derived', hash(), 32);
    this.#handshakeSecret = hmac(derived, shared);
    const context = hash(...this.#transcript);
    this.#clientSecret = expandLabel(this.#handshakeSecret, 'c hs traffic', context, 32);
    this.#read = new Keys(expandLabel(this.#handshakeSecret, 's hs traffic', context, 32));
  }

  #applicationKeys(): void {
    const derived = expandLabel(this.#handshakeSecret, 'derived', hash(), 32);
    const master = hmac(derived, Buffer.alloc(32));
    const context = hash(...this.#transcript);
    this.#next = {
      write: new Keys(expandLabel(master, 'c ap traffic', context, 32)),
      read: new Keys(expandLabel(master, 's ap traffic', context, 32)),
    };
  }
}

function extension(type: number, content: Buffer): Buffer {
  return Buffer.concat([u16(type), u16(content.length), content]);
}

function clientHello(share: Buffer): Buffer {
  const name = Buffer.from('localhost');
  const groups = u16(0x001d);
  const schemes = Buffer.concat([0x0403, 0x0804, 0x0401, 0x0503, 0x0805].map(u16));
  const extensions = Buffer.concat([
    extension(0, Buffer.concat([u16(name.length + 3), u8(0), u16(name.length), name])),
    extension(43, Buffer.concat([u8(2), u16(0x0304)])),
    extension(10, Buffer.concat([u16(groups.length), groups])),
    extension(13, Buffer.concat([u16(schemes.length), schemes])),
    extension(51, Buffer.concat([u16(36), u16(0x001d), u16(32), share])),
  ]);
  const body = Buffer.concat([
    ...[u16(0x0303), randomBytes(32), u8(32), randomBytes(32)],
    ...[u16(2), u16(0x1301), u8(1, 0), u16(extensions.length), extensions],
  ]);
  return Buffer.concat([u8(1), u24(body.length), body]);
}

function keyShare(serverHello: Buffer): Buffer {
  // Behind type, length, version, random and the session id: suite, compression, extensions.
  let at = 4 + 2 + 32;
  at += 1 + (serverHello[at] as number) + 3 + 2;
  while (at < serverHello.length) {
    const size = serverHello.readUInt16BE(at + 2);
    if (serverHello.readUInt16BE(at) === 51) return serverHello.subarray(at + 8, at + 4 + size);
    at += 4 + size;
  }
  throw new Error('the ServerHello has no key share');
}
