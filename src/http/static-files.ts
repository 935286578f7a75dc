// A page: the files of one folder, read at the start, so that no request ever names a file of the
// machine.

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

/** A page, and what it may do. */
export interface PageParts {
  /** Its files. */
  readonly folder: string;
  /** Its content security policy, for a client that calls the server so. */
  readonly policy: (host: string) => string;
  /** Said where the page should be, when it is not installed. */
  readonly missing: string;
}

/** Serves the folder. */
export class StaticFiles {
  private readonly files: Map<string, StaticFile>;

  constructor(private readonly page: PageParts) {
    this.files = readFolder(page.folder);
  }

  serve(exchange: Exchange): void {
    if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
      answerText(exchange, 405, 'Only GET and HEAD are possible here.', { allow: 'GET, HEAD' });
      return;
    }
    const file = this.files.get(exchange.path === '/' ? '/index.html' : exchange.path);
    if (file === undefined) {
      const reason = exchange.path === '/' ? this.page.missing : 'There is nothing here.';
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
      'content-security-policy': this.page.policy(hostOf(exchange.header('host'))),
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
