// One connection of the compact protocol: prologue, handshake with the login in it, then packets
// both ways. Knows nothing of stanzas beyond that packets hold elements.

import { type DecodeLimits, decodeElement } from '../compact/decode.js';
import { DICTIONARY_VERSION } from '../compact/dictionary.gen.js';
import type { Element } from '../compact/element.js';
import { encodeElement, encodePacket } from '../compact/encode.js';
import { PacketSplitter } from '../compact/packet-splitter.js';
import type { Dial, Link } from '../links/link.js';
import { equalBytes, joined } from '../noise/bytes.js';
import { checkCertificate } from '../noise/certificate.js';
import { InitiatorIk, InitiatorXx, type KeyPair, type NoisePair } from '../noise/handshake.js';
import { FrameReader, frame, MAX_FRAME_BYTES, Refused } from './frames.js';

const MAGIC = [0x52, 0x4b, 0x59];
const PROTOCOL_VERSION = 1;
const PATTERN_XX = 0;
const PATTERN_IK = 1;
const TAG_BYTES = 16;
/** Refusal of section 2.2: the key of the server may have changed. */
const HANDSHAKE_FAILED = 4;
const LOGIN_TIMEOUT_MS = 20_000;
/** Of a packet from the server: it sends no more than it accepts, which is less than this. */
const MAX_PACKET_BYTES = 16 * 1024 * 1024;
const LIMITS: DecodeLimits = { depth: 256, attributes: 1024, characters: MAX_PACKET_BYTES };

/** What is known about the server before the connection. */
export interface ServerKeys {
  /** The Noise key, 32 bytes; when it is known the login takes one round trip. */
  readonly noiseKey?: Uint8Array | undefined;
  /** The Ed25519 identity key that the certificate must have. */
  readonly identity?: Uint8Array | undefined;
}

/** A connection whose login was answered. */
export interface LoggedIn {
  readonly stream: SecureStream;
  /** `<success/>`, `<failure/>` or `<redirect/>`. */
  readonly answer: Element;
  /** The server's Noise key, to be used next time. */
  readonly noiseKey: Uint8Array;
  readonly identity: Uint8Array | undefined;
}

function prologue(pattern: number): Uint8Array {
  return Uint8Array.of(...MAGIC, PROTOCOL_VERSION, DICTIONARY_VERSION, pattern);
}

/** The frames of a connection: one at a time to whoever waits, later all to the stream. */
class Incoming {
  private readonly reader = new FrameReader();
  private readonly frames: Uint8Array[] = [];
  private failure: Error | undefined;
  private stream: SecureStream | undefined;
  private wake: () => void = () => undefined;

  constructor(link: Link) {
    link.onBytes = (bytes) => {
      try {
        this.frames.push(...this.reader.take(bytes));
      } catch (error) {
        this.failure = error as Error;
        link.close();
      }
      this.pass();
    };
    link.onClose = (why) => {
      this.failure ??= why ?? new Error('the server closed the connection');
      this.pass();
    };
  }

  /** The next frame of the handshake. */
  async next(): Promise<Uint8Array> {
    for (;;) {
      const first = this.frames.shift();
      if (first !== undefined) return first;
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** From here on every frame is the stream's. */
  giveTo(stream: SecureStream): void {
    this.stream = stream;
    this.pass();
  }

  private pass(): void {
    this.wake();
    if (this.stream === undefined) return;
    for (const message of this.frames.splice(0)) this.stream.received(message);
    if (this.failure !== undefined) this.stream.closed(this.failure);
  }
}

/** Who is told what happens on a stream. */
export interface StreamListener {
  onElement(element: Element): void;
  /** The server answered a keep-alive. */
  onKeepAlive(): void;
  /** The connection is gone; called once. */
  onClose(why: Error): void;
}

/** An established connection. One owner; not to be shared. */
export class SecureStream {
  /** Of the server; addresses in it are short on the wire. Empty until the login is answered. */
  domain = '';
  private readonly splitter = new PacketSplitter(MAX_PACKET_BYTES);
  private readonly early: Element[] = [];
  private listener: StreamListener | undefined;
  private over: Error | undefined;

  constructor(
    private readonly link: Link,
    private readonly ciphers: NoisePair,
  ) {}

  /** Sends elements, all in as few frames as they need. Nothing is sent for none of them. */
  send(elements: readonly Element[]): void {
    if (elements.length === 0) return;
    this.write(joined(...elements.map((each) => encodePacket(each, this.domain))));
  }

  /** Sends an empty packet, which the server answers with one. */
  keepAlive(): void {
    this.write(encodePacket());
  }

  close(): void {
    this.link.close();
  }

  /** Tells `listener` what comes, first what came before. */
  listen(listener: StreamListener): void {
    this.listener = listener;
    for (const element of this.early.splice(0)) listener.onElement(element);
    if (this.over !== undefined) listener.onClose(this.over);
  }

  /** Waits for the next element; only before `listen`. */
  next(): Promise<Element> {
    return new Promise((resolve, reject) => {
      const here = this.early.shift();
      if (here !== undefined) {
        resolve(here);
        return;
      }
      const stop = () => {
        this.listener = undefined;
      };
      this.listen({
        onElement: (element) => {
          stop();
          resolve(element);
        },
        onKeepAlive: () => undefined,
        onClose: (why) => {
          stop();
          reject(why);
        },
      });
    });
  }

  /** A Noise message came. For the link's side only. */
  received(message: Uint8Array): void {
    if (this.over !== undefined) return;
    try {
      for (const piece of this.splitter.push(this.ciphers.receive.open(message))) {
        if (piece.length === 0) this.listener?.onKeepAlive();
        else this.deliver(decodeElement(piece, this.domain, LIMITS));
      }
    } catch (error) {
      this.closed(new Error('the server broke the protocol', { cause: error }));
      this.link.close();
    }
  }

  /** The link is gone. For the link's side only. */
  closed(why: Error): void {
    if (this.over !== undefined) return;
    this.over = why;
    this.listener?.onClose(why);
  }

  private deliver(element: Element): void {
    if (this.listener === undefined) this.early.push(element);
    else this.listener.onElement(element);
  }

  private write(plain: Uint8Array): void {
    if (this.over !== undefined) return;
    const most = MAX_FRAME_BYTES - TAG_BYTES;
    const frames: Uint8Array[] = [];
    for (let at = 0; at < plain.length; at += most) {
      frames.push(frame(this.ciphers.send.seal(plain.subarray(at, at + most))));
    }
    this.link.send(joined(...frames));
  }
}

async function loginIk(link: Link, login: Element, device: KeyPair, noiseKey: Uint8Array) {
  const incoming = new Incoming(link);
  const start = prologue(PATTERN_IK);
  const noise = new InitiatorIk(device, noiseKey, start);
  link.send(joined(start, frame(noise.first(encodeElement(login, '')))));
  const { payload, pair } = noise.finish(await incoming.next());
  const stream = new SecureStream(link, pair);
  const answer = decodeElement(payload, '');
  stream.domain = answer.attributes.domain ?? '';
  incoming.giveTo(stream);
  return { stream, answer, noiseKey, identity: undefined };
}

async function loginXx(link: Link, login: Element, device: KeyPair, keys: ServerKeys) {
  const incoming = new Incoming(link);
  const start = prologue(PATTERN_XX);
  const noise = new InitiatorXx(device, start);
  link.send(joined(start, frame(noise.first())));
  const { serverKey, payload } = noise.second(await incoming.next());
  const { identity } = checkCertificate(payload, serverKey);
  if (keys.identity !== undefined && !equalBytes(keys.identity, identity)) {
    throw new Error('the server has another identity than at registration: not logging in');
  }
  const { message, pair } = noise.third(encodeElement(login, ''));
  link.send(frame(message));
  const stream = new SecureStream(link, pair);
  incoming.giveTo(stream);
  const answer = await stream.next();
  stream.domain = answer.attributes.domain ?? '';
  return { stream, answer, noiseKey: serverKey.slice(), identity };
}

/**
 * Dials and logs in. With a Noise key of the server it takes one round trip; when the server does
 * not accept that key, or none is known, it is asked for and checked against its identity.
 * After `<success/>` the caller must send something at once, if only a keep-alive: the session
 * begins with it. Rejects with Refused, or with what else stood in the way; gives up after 20
 * seconds.
 */
export async function logIn(
  dial: Dial,
  login: Element,
  device: KeyPair,
  keys: ServerKeys,
): Promise<LoggedIn> {
  const signal = AbortSignal.timeout(LOGIN_TIMEOUT_MS);
  const attempt = async (noiseKey: Uint8Array | undefined): Promise<LoggedIn> => {
    const link = await dial(signal);
    const giveUp = () => link.close();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return noiseKey === undefined
        ? await loginXx(link, login, device, keys)
        : await loginIk(link, login, device, noiseKey);
    } catch (error) {
      link.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  };
  if (keys.noiseKey === undefined) return attempt(undefined);
  try {
    return await attempt(keys.noiseKey);
  } catch (error) {
    if (error instanceof Refused && error.code === HANDSHAKE_FAILED) return attempt(undefined);
    throw error;
  }
}
