// HTTP over node:http, for machines for which uWebSockets has no build.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ListenAddress } from '../config/fields.js';
import {
  type Exchange,
  type Headers,
  isBodyless,
  type OnExchange,
  type OnUpgrade,
  reasonOf,
  type StreamSink,
  type Transport,
  type Upgrade,
} from './transport.js';

const TIMEOUT_MS = 15_000;
const CHECK_MS = 1000;
const MAX_HEADER_BYTES = 8192;
const MAX_CONNECTIONS = 10_000;
/** Clients of live answers have nothing to say. */
const MAX_MESSAGE_BYTES = 1024;

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

  stream(headers: Headers): StreamSink {
    const { response } = this;
    response.writeHead(200, headers);
    response.flushHeaders();
    return {
      get blocked() {
        return response.writableNeedDrain;
      },
      send: (text) => void (response.destroyed || response.write(text)),
      end: () => void response.end(),
    };
  }
}

/** A request for a WebSocket, until it is one. */
class NodeUpgrade implements Upgrade {
  readonly path: string;
  readonly query: string;
  readonly peer: string;

  constructor(
    private readonly sockets: WebSocketServer,
    private readonly request: IncomingMessage,
    private readonly socket: Duplex,
    private readonly head: Buffer,
  ) {
    const [path = '/', ...query] = (request.url ?? '/').split('?');
    this.path = path;
    this.query = query.join('?');
    this.peer = request.socket.remoteAddress ?? '';
    socket.on('error', () => socket.destroy());
  }

  header(name: string): string {
    const value = this.request.headers[name];
    return typeof value === 'string' ? value : '';
  }

  accept(_protocol: string, gone: () => void): StreamSink | undefined {
    if (this.socket.destroyed) return undefined;
    let open: WebSocket | undefined;
    this.sockets.handleUpgrade(this.request, this.socket, this.head, (socket) => {
      open = socket;
      socket.on('close', gone);
      socket.on('error', () => socket.terminate());
    });
    return {
      get blocked() {
        return (open?.bufferedAmount ?? 0) > 0;
      },
      send: (text) => open?.send(text),
      end: () => open?.close(1000),
    };
  }

  refuse(status: number, headers: Headers, body: Uint8Array): void {
    const lines = Object.entries({ ...headers, 'content-length': String(body.length) });
    this.socket.write(`HTTP/1.1 ${status} ${reasonOf(status)}\r\n`);
    this.socket.write(lines.map(([name, value]) => `${name}: ${value}\r\n`).join(''));
    this.socket.write('connection: close\r\n\r\n');
    this.socket.end(body);
  }
}

/** A server that takes everything. */
export class NodeTransport implements Transport {
  readonly name = 'node:http';
  private readonly server: Server;
  private readonly sockets: WebSocketServer | undefined;

  constructor(onExchange: OnExchange, onUpgrade?: OnUpgrade) {
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
    if (onUpgrade === undefined) return;
    const sockets = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      // The first that is offered names the protocol; what comes behind it is a token.
      handleProtocols: (offered) => offered.values().next().value ?? false,
    });
    this.sockets = sockets;
    this.server.on('upgrade', (request, socket, head) => {
      onUpgrade(new NodeUpgrade(sockets, request, socket, head));
    });
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
    for (const socket of this.sockets?.clients ?? []) socket.terminate();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}
