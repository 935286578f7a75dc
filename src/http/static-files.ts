// The chat page: the files of one folder, read at the start, so that no request ever names a file
// of the machine.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { errorCode } from '../base/errors.js';
import { hostOf } from './client-address.js';
import type { Exchange, Headers } from './transport.js';

const MAX_TOTAL_BYTES = 64 * 1024 * 1024;
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};
// Names that a bundler gives carry a hash of the content: `chat-3F9A2C41.js`.
const HASHED = /[-.](?:[A-Z0-9]{8,}|(?=[a-zA-Z]*[0-9])[A-Za-z0-9_]{8,})\.[a-z0-9]+$/u;
const YEAR_SECONDS = 31_536_000;

interface StaticFile {
  readonly body: Buffer;
  readonly headers: Headers;
  readonly tag: string;
}

function cachePolicy(name: string): string {
  return HASHED.test(name) ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache';
}

function readFolder(folder: string): Map<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  let total = 0;
  let entries: { name: string; parentPath: string; isFile(): boolean }[] = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath, entry.name);
    const body = readFileSync(full);
    total += body.length;
    if (total > MAX_TOTAL_BYTES) throw new Error(`${folder} holds more than a page has`);
    const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const headers = {
      'content-type': TYPES[extname(entry.name)] ?? 'application/octet-stream',
      'cache-control': cachePolicy(entry.name),
      etag: tag,
    };
    files.set(`/${relative(folder, full).split(sep).join('/')}`, { body, headers, tag });
  }
  return files;
}

/**
 * What the page may do: nothing with other origins, except to open WebSockets at the addresses
 * given; WebAssembly for its database.
 */
export function pagePolicy(webSockets: readonly string[]): string {
  return [
    "default-src 'none'",
    "base-uri 'none'",
    ["connect-src 'self'", ...webSockets].join(' '),
    "font-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "img-src 'self' blob: data:",
    "manifest-src 'self'",
    "media-src 'self' blob:",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "worker-src 'self'",
  ].join('; ');
}

/** Serves the folder. */
export class StaticFiles {
  private readonly files: Map<string, StaticFile>;

  /** `webSockets`: the WebSocket listeners, as a client that calls the server so reaches them. */
  constructor(
    folder: string,
    private readonly webSockets: (host: string) => readonly string[],
  ) {
    this.files = readFolder(folder);
  }

  serve(exchange: Exchange): void {
    if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
      answerText(exchange, 405, 'Only GET and HEAD are possible here.', { allow: 'GET, HEAD' });
      return;
    }
    const file = this.files.get(exchange.path === '/' ? '/index.html' : exchange.path);
    if (file === undefined) {
      const reason =
        exchange.path === '/'
          ? 'Rookery runs, but this installation has no chat page. The API is described at ' +
            '/api/openapi.json.'
          : 'There is nothing here.';
      answerText(exchange, 404, reason, {});
      return;
    }
    const headers = { ...file.headers, ...this.protection(exchange) };
    if (exchange.header('if-none-match').includes(file.tag)) {
      exchange.respond(304, headers, new Uint8Array(), false);
    } else {
      exchange.respond(200, headers, file.body, false);
    }
  }

  private protection(exchange: Exchange): Headers {
    return {
      'content-security-policy': pagePolicy(this.webSockets(hostOf(exchange.header('host')))),
      // Without these two a browser gives a page no shared memory, which its database may want.
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    };
  }
}

function answerText(exchange: Exchange, status: number, text: string, extra: Headers): void {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...extra,
  };
  exchange.respond(status, headers, Buffer.from(`${text}\n`), false);
}
