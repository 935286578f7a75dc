// HTTP as a test wants it: from any loopback address, with any body, at any speed.

import { generateKeyPairSync } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

export interface HttpOptions {
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
  /** Source address: 127.x.y.z. */
  readonly from?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly milliseconds: number;
  /** Parsed; an empty object when the body is no JSON. */
  readonly json: Record<string, unknown>;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Sends one request on a connection of its own. */
export function http(
  base: string,
  method: string,
  path: string,
  options: HttpOptions = {},
): Promise<HttpAnswer> {
  const { body, raw, headers = {}, token, from } = options;
  const began = performance.now();
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(path, base),
      {
        method,
        agent: false,
        ...(from === undefined ? {} : { localAddress: from }),
        headers: {
          ...(payload === undefined
            ? {}
            : {
                'content-type': 'application/json',
                'content-length': String(Buffer.byteLength(payload)),
              }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
      },
      (incoming) => {
        const pieces: Buffer[] = [];
        incoming.on('data', (piece: Buffer) => pieces.push(piece));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(pieces).toString('utf8');
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            milliseconds: performance.now() - began,
            json: parsed(text),
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.setTimeout(30_000, () => outgoing.destroy(new Error('no answer in 30 seconds')));
    outgoing.end(payload);
  });
}

/**
 * Writes pieces onto a bare connection, one every `everyMs`; resolves with all that was answered
 * when the server closes, and after how long.
 */
export function dribble(
  base: string,
  pieces: readonly string[],
  everyMs: number,
): Promise<{ text: string; milliseconds: number }> {
  const { hostname, port } = new URL(base);
  const began = performance.now();
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname);
    const left = [...pieces];
    const write = (): void => {
      const piece = left.shift();
      if (piece === undefined) clearInterval(timer);
      else socket.write(piece);
    };
    const timer = setInterval(write, everyMs);
    write();
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('utf8');
    });
    socket.on('error', () => undefined); // It closes then, which is what is waited for.
    socket.on('close', () => {
      clearInterval(timer);
      resolve({ text, milliseconds: performance.now() - began });
    });
  });
}

/** A device's X25519 key pair; the public key as the interface wants it. */
export function deviceKeys(): { publicKey: string; privateKey: Buffer } {
  const pair = generateKeyPairSync('x25519');
  const { x = '', d = '' } = pair.privateKey.export({ format: 'jwk' });
  return {
    publicKey: Buffer.from(x, 'base64url').toString('base64'),
    privateKey: Buffer.from(d, 'base64url'),
  };
}
