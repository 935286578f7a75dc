// Reads a body, no more of it than is allowed, and not for longer than is allowed.

import { Problem } from './problem.js';
import type { Exchange } from './transport.js';

/** The client went away before its request was complete. */
export class ClientGone extends Error {}

/** Refuses a body by its headers, before any of it is read. */
export function checkBodyHeaders(exchange: Exchange, maxBytes: number): void {
  const length = exchange.header('content-length');
  if (length !== '' && !(Number(length) <= maxBytes)) throw tooLarge(maxBytes);
  const type = exchange.header('content-type').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new Problem(415, 'wrong-media-type', {
      detail: 'Send the header `Content-Type: application/json`.',
      close: true,
    });
  }
}

function tooLarge(maxBytes: number): Problem {
  return new Problem(413, 'too-large', {
    detail: `The body may have ${maxBytes} bytes at most.`,
    close: true,
  });
}

/** Collects the body. Rejects with a Problem when it is too large or too slow. */
export function readBody(exchange: Exchange, maxBytes: number, seconds: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    let over = false;
    const finish = (end: () => void): void => {
      over = true;
      clearTimeout(timer);
      pieces.length = 0;
      end();
    };
    const timer = setTimeout(() => {
      const detail = `The body has to arrive within ${seconds} seconds.`;
      finish(() => reject(new Problem(408, 'too-slow', { detail, close: true })));
    }, seconds * 1000);
    exchange.onData((piece, last) => {
      if (over) return;
      bytes += piece.length;
      if (bytes > maxBytes) {
        finish(() => reject(tooLarge(maxBytes)));
        return;
      }
      // A copy: the piece is lent.
      if (piece.length > 0) pieces.push(Uint8Array.from(piece));
      if (!last) return;
      const whole = Buffer.concat(pieces);
      finish(() => resolve(whole));
    });
    exchange.onAborted(() => {
      if (!over) finish(() => reject(new ClientGone()));
    });
  });
}

/** Parses JSON; throws a Problem when it is none. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    throw new Problem(400, 'bad-request', { detail: 'The body is not JSON in UTF-8.' });
  }
}
