// A WebSocket client that says what a test wants, right or wrong: bytes of HTTP, frames of any
// make. It checks strictly what the server sends.

import { createHash, randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const TIMEOUT_MS = 8000;
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface FrameOptions {
  /** FIN and the reserved bits; FIN alone unless given. */
  readonly bits?: number;
  readonly masked?: boolean;
}

/** A client's frame. */
export function frame(
  opcode: number,
  payload: string | Buffer,
  options: FrameOptions = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const { bits = 0x80, masked = true } = options;
  const mark = masked ? 0x80 : 0;
  const short = bytes.length <= 125;
  const length = short
    ? Buffer.of(mark | bytes.length)
    : Buffer.of(mark | 127, ...Array(8).fill(0));
  if (!short) length.writeBigUInt64BE(BigInt(bytes.length), 1);
  if (!short && bytes.length <= 0xffff) {
    return joined(
      bits | opcode,
      Buffer.of(mark | 126, bytes.length >> 8, bytes.length & 255),
      bytes,
      masked,
    );
  }
  return joined(bits | opcode, length, bytes, masked);
}

function joined(first: number, length: Buffer, payload: Buffer, masked: boolean): Buffer {
  if (!masked) return Buffer.concat([Buffer.of(first), length, payload]);
  const mask = randomBytes(4);
  const hidden = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.of(first), length, mask, hidden]);
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export class RawWebSocket {
  closed = false;
  #bytes = Buffer.alloc(0);
  #wake: (() => void) | undefined;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#wake?.();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#wake?.();
    });
  }

  static async connect(port: number, tls = false): Promise<RawWebSocket> {
    const options = { host: '127.0.0.1', port };
    const socket = tls
      ? connectTls({ ...options, rejectUnauthorized: false })
      : connectTcp(options);
    await new Promise<void>((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    return new RawWebSocket(socket);
  }

  /** Connects and upgrades. */
  static async open(port: number, tls = false): Promise<RawWebSocket> {
    const client = await RawWebSocket.connect(port, tls);
    const key = randomBytes(16).toString('base64');
    client.send(upgradeRequest({ 'Sec-WebSocket-Key': key }));
    const answer = await client.answer();
    const accept = createHash('sha1')
      .update(key + ACCEPT_SUFFIX)
      .digest('base64');
    if (answer.status !== 101 || answer.headers['sec-websocket-accept'] !== accept) {
      throw new Error(`not upgraded: ${JSON.stringify(answer)}`);
    }
    return client;
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  text(payload: string): void {
    this.send(frame(OPCODE.text, payload));
  }

  /** The head of an HTTP answer, and the body that it announces. */
  async answer(): Promise<Answer> {
    await this.#until(() => this.#bytes.includes('\r\n\r\n'));
    const end = this.#bytes.indexOf('\r\n\r\n') + 4;
    const [line = '', ...rest] = this.#take(end).toString('latin1').trimEnd().split('\r\n');
    const headers: Record<string, string> = {};
    for (const header of rest) {
      const [name = '', value = ''] = header.split(/: (.*)/su);
      headers[name.toLowerCase()] = value;
    }
    const length = Number(headers['content-length'] ?? 0);
    await this.#until(() => this.#bytes.length >= length);
    return { status: Number(line.split(' ')[1]), headers, body: this.#take(length).toString() };
  }

  /** The next frame of the server's, which must be whole, unmasked and as short as it can be. */
  async frame(): Promise<Frame> {
    await this.#until(() => this.#bytes.length >= 2);
    const [first = 0, second = 0] = this.#bytes;
    if ((first & 0xf0) !== 0x80) throw new Error(`first byte ${first}`);
    if ((second & 0x80) !== 0) throw new Error('a masked frame');
    const extended = second === 127 ? 8 : second === 126 ? 2 : 0;
    await this.#until(() => this.#bytes.length >= 2 + extended);
    const length =
      extended === 0 ? second : Number.parseInt(this.#bytes.toString('hex', 2, 2 + extended), 16);
    const least = extended === 8 ? 65_536 : extended === 2 ? 126 : 0;
    if (length < least) throw new Error(`a length of ${length} in ${extended} bytes`);
    await this.#until(() => this.#bytes.length >= 2 + extended + length);
    this.#take(2 + extended);
    return { opcode: first & 15, payload: this.#take(length) };
  }

  /** The next frame, which must be a text message. */
  async message(): Promise<string> {
    const { opcode, payload } = await this.frame();
    if (opcode !== OPCODE.text) throw new Error(`opcode ${opcode}: ${payload.toString('latin1')}`);
    return payload.toString('utf8');
  }

  /** The code of the server's close frame, after what else it sends; then the connection ends. */
  async closeCode(): Promise<number> {
    while (true) {
      const { opcode, payload } = await this.frame();
      if (opcode !== OPCODE.close) continue;
      await this.end();
      return payload.length === 0 ? 1005 : payload.readUInt16BE(0);
    }
  }

  /** The server ends the connection, and says nothing more before. */
  async end(): Promise<void> {
    await this.#until(() => this.closed, false);
    if (this.#bytes.length > 0) throw new Error(`more came: ${this.#bytes.toString('latin1')}`);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #take(size: number): Buffer {
    const taken = this.#bytes.subarray(0, size);
    this.#bytes = this.#bytes.subarray(size);
    return taken;
  }

  async #until(test: () => boolean, open = true): Promise<void> {
    const deadline = Date.now() + TIMEOUT_MS;
    while (!test()) {
      if (open && this.closed) throw new Error('the connection was closed');
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`waited too long; pending: ${this.#bytes.toString('latin1')}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** A good request, with headers replaced, added, or (undefined) left out. */
export function upgradeRequest(
  changes: Readonly<Record<string, string | undefined>> = {},
  line = 'GET /ws HTTP/1.1',
): string {
  const headers: Record<string, string | undefined> = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'xmpp',
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  return `${line}\r\n${lines.join('')}\r\n`;
}
