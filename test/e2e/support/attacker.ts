// A peer that keeps to no rule: raw bytes over TCP, from any address of the loopback network, with
// a bounded memory of its own. It never reads more of the server's answer than it was asked to.

import { connect, type Socket } from 'node:net';

/** What it remembers of the answer; hostile peers may be answered at length. */
const REMEMBERED_BYTES = 1 << 20;
const TIMEOUT_MS = 20_000;

export interface AttackerOptions {
  readonly port: number;
  /** The address that it comes from; any of 127.0.0.0/8. */
  readonly from?: string;
}

export class Attacker {
  /** What the server sent, the first part of it. */
  received = Buffer.alloc(0);
  receivedBytes = 0;
  /** The server has closed its side, in order or not. */
  ended = false;
  closed = false;
  readonly socket: Socket;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => this.#wake());
    socket.on('end', () => {
      this.ended = true;
      this.#wake();
    });
    socket.on('close', () => {
      this.ended = true;
      this.closed = true;
      this.#wake();
    });
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
  }

  static connect(options: AttackerOptions): Promise<Attacker> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: '127.0.0.1',
        port: options.port,
        localAddress: options.from ?? '127.0.0.1',
        allowHalfOpen: true,
      });
      const attacker = new Attacker(socket);
      socket.once('connect', () => resolve(attacker));
      socket.once('error', reject);
    });
  }

  #take(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    if (this.received.length < REMEMBERED_BYTES) {
      this.received = Buffer.concat([this.received, bytes]);
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** What the server said. */
  get text(): string {
    return this.received.toString('utf8');
  }

  /** Says it and does not wait for anything. */
  say(bytes: string | Buffer): void {
    if (!this.closed && this.socket.writable) this.socket.write(bytes);
  }

  /** Says the chunk again and again, until so many bytes are said or the server ends it. */
  async pour(chunk: Buffer, bytes: number): Promise<number> {
    let said = 0;
    while (said < bytes && !this.ended && this.socket.writable) {
      const room = this.socket.write(chunk);
      said += chunk.length;
      if (!room) await this.#roomOrEnd();
      // Without it an answer would not be heard before the kernel's buffer is full.
      else await new Promise((resolve) => setImmediate(resolve));
    }
    return said;
  }

  #roomOrEnd(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.socket.off('drain', done);
        resolve();
      };
      this.socket.once('drain', done);
      this.#waiting.push(done);
    });
  }

  /** Waits until it holds or the server has ended the connection. */
  async until(test: () => boolean, timeoutMs = TIMEOUT_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!test() && !this.ended) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`it did not happen; heard so far: ${this.text.slice(-2000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 500));
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Waits until the server has ended the connection. */
  waitEnded(timeoutMs = TIMEOUT_MS): Promise<void> {
    return this.until(() => false, timeoutMs);
  }

  /** Waits for that text; fails when the connection ends without it. */
  async hear(text: string, timeoutMs = TIMEOUT_MS): Promise<void> {
    await this.until(() => this.text.includes(text), timeoutMs);
    if (!this.text.includes(text)) throw new Error(`ended without ${text}: ${this.text}`);
  }

  /** The condition of the stream error that it was sent (RFC 6120 section 4.9.3); '' for none. */
  get streamError(): string {
    const element = /<stream:error><([a-z-]+)/u.exec(this.text);
    return element?.[1] ?? '';
  }

  /** The conditions of all SASL failures (RFC 6120 section 6.5). */
  get saslFailures(): string[] {
    const pattern = /<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><([a-z-]+)/gu;
    return [...this.text.matchAll(pattern)].map((match) => match[1] as string);
  }

  /** Reads no more, for good. */
  deafen(): void {
    this.socket.removeAllListeners('data');
    this.socket.pause();
  }

  /** Goes away without a word. */
  cut(): void {
    this.socket.resetAndDestroy();
  }
}

/** A stream header as a client sends it. */
export const HEADER =
  "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' " +
  "xmlns:stream='http://etherx.jabber.org/streams'>";

const plain = (user: string, password: string): string =>
  `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${Buffer.from(
    `\0${user}\0${password}`,
  ).toString('base64')}</auth>`;

/** An open stream that has not logged in. */
export async function openStream(options: AttackerOptions): Promise<Attacker> {
  const attacker = await Attacker.connect(options);
  attacker.say(HEADER);
  await attacker.hear('</stream:features>');
  return attacker;
}

/** A bound session, over PLAIN without TLS (the server must allow it); '' binds any resource. */
export async function openSession(
  options: AttackerOptions & { readonly user: string; readonly resource?: string },
): Promise<Attacker> {
  const attacker = await openStream(options);
  attacker.say(plain(options.user, 'secret'));
  await attacker.hear('<success');
  attacker.say(HEADER);
  await attacker.hear("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
  const resource = options.resource ?? 'attacker';
  attacker.say(
    "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" +
      `<resource>${resource}</resource></bind></iq>`,
  );
  await attacker.hear('</jid></bind></iq>');
  return attacker;
}
