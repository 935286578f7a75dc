// A peer that speaks the server's side of the compact protocol (on the package noise-handshake)
// just so far that it answers every login with `<redirect/>`. Over TCP and WebSocket, on two ports.

import { createRequire } from 'node:module';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { encodeElement, encodePacket } from '../../../src/sdk/compact/encode.js';
import type { Place } from '../../../src/sdk/index.js';
import { element, PROTOCOL_NS } from '../../../src/sdk/stanzas.js';
import { noiseCertificate } from '../../../src/services/noise-identity.js';
import { SigningKey } from '../../../src/services/sodium.js';

interface KeyPair {
  publicKey: Buffer;
  secretKey: Buffer;
}

interface Handshake {
  complete: boolean;
  tx: Buffer;
  initialise(prologue: Buffer): void;
  send(payload?: Buffer): Buffer;
  recv(message: Buffer): Buffer;
}

const load = createRequire(import.meta.url);
const Noise = load('noise-handshake') as new (
  pattern: 'XX' | 'IK',
  initiator: boolean,
  keys: KeyPair,
) => Handshake;
const NoiseCipher = load('noise-handshake/cipher') as new (
  key: Buffer,
) => { encrypt(text: Buffer): Uint8Array };
const curve = load('noise-handshake/dh') as { generateKeyPair(secret?: Buffer): KeyPair };

const PROLOGUE_BYTES = 6;
const HANDSHAKE_FAILED = Buffer.of(0, 0, 4);

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** One connection, whatever carries it. */
class Conversation {
  private heard = Buffer.alloc(0);
  private noise: Handshake | undefined;
  private pattern: 'XX' | 'IK' = 'XX';
  private over = false;

  constructor(
    private readonly peer: RedirectingPeer,
    private readonly write: (bytes: Buffer) => void,
  ) {}

  take(bytes: Buffer): void {
    this.heard = Buffer.concat([this.heard, bytes]);
    while (!this.over && this.step());
  }

  /** False when more bytes are needed. */
  private step(): boolean {
    const { heard } = this;
    if (this.noise === undefined) {
      if (heard.length < PROLOGUE_BYTES) return false;
      this.pattern = heard[5] === 0 ? 'XX' : 'IK';
      this.noise = new Noise(this.pattern, false, this.peer.keys);
      this.noise.initialise(heard.subarray(0, PROLOGUE_BYTES));
      this.heard = heard.subarray(PROLOGUE_BYTES);
      return true;
    }
    const end = heard.length < 2 ? Number.POSITIVE_INFINITY : 2 + heard.readUInt16BE();
    if (heard.length < end) return false;
    this.heard = heard.subarray(end);
    this.message(this.noise, heard.subarray(2, end));
    return true;
  }

  private message(noise: Handshake, message: Buffer): void {
    try {
      noise.recv(message);
    } catch {
      // Meant for another key than ours.
      this.over = true;
      this.write(HANDSHAKE_FAILED);
      return;
    }
    if (this.pattern === 'IK') {
      this.write(framed(noise.send(Buffer.from(encodeElement(this.answer())))));
      this.over = true;
    } else if (noise.complete) {
      const packet = Buffer.from(encodePacket(this.answer()));
      this.write(framed(new NoiseCipher(noise.tx).encrypt(packet)));
      this.over = true;
    } else {
      this.write(framed(noise.send(this.peer.certificate)));
    }
  }

  private answer() {
    this.peer.logins++;
    const { host, port } = this.peer.target;
    return element('redirect', PROTOCOL_NS, { host, port: String(port) });
  }
}

/** See the file's comment. */
export class RedirectingPeer {
  /** Where it sends everybody. */
  target: Place = { host: '127.0.0.1', port: 1 };
  /** How many logins it has answered. */
  logins = 0;
  readonly keys: KeyPair;
  readonly certificate: Buffer;
  private readonly tcp: Server;
  private readonly webSocket: WebSocketServer;
  private readonly sockets = new Set<Socket | WebSocket>();

  private constructor(staticKey: Buffer | undefined, identityKey: Buffer, domain: string) {
    this.keys = curve.generateKeyPair(staticKey);
    this.certificate = noiseCertificate(domain, new SigningKey(identityKey), this.keys.publicKey);
    this.tcp = createServer((socket) => {
      this.keep(socket);
      const conversation = new Conversation(this, (bytes) => socket.write(bytes));
      socket.on('data', (bytes) => conversation.take(bytes));
    });
    this.webSocket = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    this.webSocket.on('connection', (socket) => {
      this.keep(socket);
      const conversation = new Conversation(this, (bytes) => socket.send(bytes));
      socket.on('message', (bytes) => conversation.take(bytes as Buffer));
    });
  }

  /**
   * Opens both ports. `identityKey`: the Ed25519 seed that vouches for it; `staticKey`: its Noise
   * key, a new one when left out.
   */
  static async open(options: {
    readonly identityKey: Buffer;
    readonly staticKey?: Buffer;
    readonly domain: string;
  }): Promise<RedirectingPeer> {
    const peer = new RedirectingPeer(options.staticKey, options.identityKey, options.domain);
    await new Promise<void>((resolve) => peer.tcp.listen(0, '127.0.0.1', resolve));
    if (peer.webSocket.address() === null) {
      await new Promise((resolve) => peer.webSocket.once('listening', resolve));
    }
    return peer;
  }

  get port(): number {
    return (this.tcp.address() as AddressInfo).port;
  }

  get webSocketPort(): number {
    return (this.webSocket.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) {
      if ('terminate' in socket) socket.terminate();
      else socket.destroy();
    }
    await new Promise((resolve) => this.tcp.close(resolve));
    await new Promise((resolve) => this.webSocket.close(resolve));
  }

  private keep(socket: Socket | WebSocket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
  }
}
