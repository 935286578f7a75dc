// HTTP over node:http, for machines for which uWebSockets has no build.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import type { ListenAddress } from '../config/fields.js';
import {
  type Exchange,
  type Headers,
  isBodyless,
  type OnExchange,
  reasonOf,
  type Transport,
} from './transport.js';

const TIMEOUT_MS = 15_000;
const CHECK_MS = 1000;
const MAX_HEADER_BYTES = 8192;
const MAX_CONNECTIONS = 10_000;

class NodeExchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly peer: string;

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    this.method = request.method ?? '';
    const [path = '/', ...query] = (request.url ?? '/').split('?');
    this.path = path;
    this.query = query.join('?');
    this.peer = request.socket.remoteAddress ?? '';
  }

  header(name: string): string {
    const value = this.request.headers[name];
    return typeof value === 'string' ? value : '';
  }

  onData(take: (piece: Uint8Array, last: boolean) => void): void {
    this.request.on('data', (piece: Buffer) => take(piece, false));
    this.request.on('end', () => take(new Uint8Array(), true));
  }

  onAborted(gone: () => void): void {
    this.response.on('close', () => {
      if (!this.response.writableFinished) gone();
    });
  }

  respond(status: number, headers: Headers, body: Uint8Array, close: boolean): void {
    if (this.response.destroyed || this.response.headersSent) return;
    const length = isBodyless(status) ? {} : { 'content-length': String(body.length) };
    const ending = close ? { connection: 'close' } : {};
    this.response.writeHead(status, reasonOf(status), { ...headers, ...length, ...ending });
    if (close) this.response.once('finish', () => this.request.destroy());
    this.response.end(isBodyless(status) ? undefined : body);
  }
}

/** A server that takes everything. */
export class NodeTransport implements Transport {
  readonly name = 'node:http';
  private readonly server: Server;

  constructor(onExchange: OnExchange) {
    this.server = createServer(
      {
        headersTimeout: TIMEOUT_MS,
        requestTimeout: TIMEOUT_MS,
        keepAliveTimeout: TIMEOUT_MS,
        connectionsCheckingInterval: CHECK_MS,
        maxHeaderSize: MAX_HEADER_BYTES,
      },
      (request, response) => onExchange(new NodeExchange(request, response)),
    );
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  async listen({ address, port }: ListenAddress): Promise<number> {
    await this.open({ host: address, port, exclusive: true });
    return (this.server.address() as AddressInfo).port;
  }

  /** Listens on a Unix socket. */
  async listenAt(path: string): Promise<void> {
    await this.open({ path });
  }

  private async open(where: ListenOptions): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(where, resolve);
    });
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}
