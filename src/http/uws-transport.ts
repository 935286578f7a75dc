// HTTP over uWebSockets.

import { formatListenAddress, type ListenAddress } from '../config/fields.js';
import { DescriptorGuard } from './descriptor-guard.js';
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
import type { Uws, UwsApp, UwsListenSocket, UwsRequest, UwsResponse, UwsSocket } from './uws.js';

// Beyond this a body is written as the client takes it, so that one that does not read costs
// nothing but the kernel's buffer.
const WHOLE_BODY_BYTES = 16_384;
// A socket that answers no ping for so long is closed.
const SOCKET_IDLE_SECONDS = 60;
/** Clients of live answers have nothing to say. */
const MAX_MESSAGE_BYTES = 1024;
const MAX_SOCKET_BYTES = 8 * 1024 * 1024;

class UwsExchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly peer: string;
  private gone = false;
  private tellGone: () => void = () => undefined;
  private readonly headers = new Map<string, string>();

  constructor(
    private readonly response: UwsResponse,
    request: UwsRequest,
    wanted: readonly string[],
  ) {
    // The request is gone once this call returns: everything is taken out of it now.
    this.method = request.getMethod().toUpperCase();
    this.path = request.getUrl();
    this.query = request.getQuery() ?? '';
    for (const name of wanted) this.headers.set(name, request.getHeader(name));
    this.peer = Buffer.from(response.getRemoteAddressAsText()).toString('latin1');
    response.onAborted(() => {
      this.gone = true;
      this.tellGone();
    });
  }

  header(name: string): string {
    return this.headers.get(name) ?? '';
  }

  onData(take: (piece: Uint8Array, last: boolean) => void): void {
    this.response.onData((piece, last) => take(new Uint8Array(piece), last));
  }

  onAborted(gone: () => void): void {
    this.tellGone = gone;
  }

  respond(status: number, headers: Headers, body: Uint8Array, close: boolean): void {
    if (this.gone) return;
    this.response.cork(() => {
      this.response.writeStatus(`${status} ${reasonOf(status)}`);
      for (const [name, value] of Object.entries(headers)) this.response.writeHeader(name, value);
      if (isBodyless(status)) this.response.endWithoutBody();
      else if (this.method === 'HEAD') this.response.endWithoutBody(body.length, close);
      else if (close || body.length <= WHOLE_BODY_BYTES) this.response.end(body, close);
      else this.pour(body);
    });
  }

  stream(headers: Headers): StreamSink {
    const { response } = this;
    let blocked = false;
    response.onWritable(() => {
      blocked = false;
      return true;
    });
    const corked = (work: () => void): void => {
      if (!this.gone) response.cork(work);
    };
    corked(() => {
      response.writeStatus('200 OK');
      for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value);
    });
    return {
      get blocked() {
        return blocked;
      },
      send: (text) =>
        corked(() => {
          blocked = !response.write(text);
        }),
      end: () =>
        corked(() => {
          this.gone = true;
          response.end();
        }),
    };
  }

  private pour(body: Uint8Array): void {
    const { response } = this;
    const [, done] = response.tryEnd(body, body.length);
    if (done) return;
    response.onWritable((offset) => response.tryEnd(body.subarray(offset), body.length)[0]);
  }
}

/** A request for a WebSocket, until it is one. */
class UwsUpgrade implements Upgrade {
  readonly path: string;
  readonly query: string;
  readonly peer: string;
  private readonly headers = new Map<string, string>();
  private readonly key: string;
  private gone = false;

  constructor(
    private readonly response: UwsResponse,
    request: UwsRequest,
    private readonly context: object,
    wanted: readonly string[],
  ) {
    this.path = request.getUrl();
    this.query = request.getQuery() ?? '';
    for (const name of wanted) this.headers.set(name, request.getHeader(name));
    this.key = request.getHeader('sec-websocket-key');
    this.peer = Buffer.from(response.getRemoteAddressAsText()).toString('latin1');
    response.onAborted(() => {
      this.gone = true;
    });
  }

  header(name: string): string {
    return this.headers.get(name) ?? '';
  }

  accept(protocol: string, gone: () => void): StreamSink | undefined {
    if (this.gone) return undefined;
    let socket: UwsSocket | undefined;
    const data = {
      opened: (opened: UwsSocket): void => {
        socket = opened;
      },
      closed: (): void => {
        socket = undefined;
        gone();
      },
    };
    // The socket is open when this returns.
    this.response.cork(() => this.response.upgrade(data, this.key, protocol, '', this.context));
    return {
      get blocked() {
        return socket !== undefined && socket.getBufferedAmount() > 0;
      },
      send: (text) => void socket?.send(text),
      end: () => socket?.end(1000),
    };
  }

  refuse(status: number, headers: Headers, body: Uint8Array): void {
    if (this.gone) return;
    this.response.cork(() => {
      this.response.writeStatus(`${status} ${reasonOf(status)}`);
      for (const [name, value] of Object.entries(headers)) this.response.writeHeader(name, value);
      this.response.end(body, true);
    });
  }
}

/** An app with one route, which takes everything. */
export class UwsTransport implements Transport {
  readonly name: string;
  private readonly app: UwsApp;
  private readonly guard: DescriptorGuard;
  private socket: UwsListenSocket | undefined;
  private at: ListenAddress | undefined;

  constructor(
    private readonly uws: Uws,
    build: string,
    wantedHeaders: readonly string[],
    onExchange: OnExchange,
    onCrowded: (crowded: boolean) => void,
    onUpgrade: OnUpgrade | undefined,
  ) {
    this.name = build;
    this.app = uws.App();
    if (onUpgrade !== undefined) this.takeUpgrades(onUpgrade, wantedHeaders);
    this.app.any('/*', (response, request) => {
      onExchange(new UwsExchange(response, request, wantedHeaders));
    });
    this.guard = new DescriptorGuard((crowded) => {
      onCrowded(crowded);
      if (crowded) this.stopListening();
      else void this.reopen();
    });
  }

  private takeUpgrades(onUpgrade: OnUpgrade, wanted: readonly string[]): void {
    this.app.ws('/*', {
      idleTimeout: SOCKET_IDLE_SECONDS,
      maxPayloadLength: MAX_MESSAGE_BYTES,
      maxBackpressure: MAX_SOCKET_BYTES,
      upgrade: (response, request, context) =>
        onUpgrade(new UwsUpgrade(response, request, context, wanted)),
      open: (socket) => socket.opened(socket),
      close: (socket) => socket.closed(),
    });
  }

  async listen(address: ListenAddress): Promise<number> {
    const socket = await this.open(address);
    if (socket === false) throw new Error(`${formatListenAddress(address)} cannot be opened`);
    this.socket = socket;
    const port = this.uws.us_socket_local_port(socket);
    this.at = { ...address, port };
    this.guard.start();
    return port;
  }

  async close(): Promise<void> {
    this.guard.stop();
    this.at = undefined;
    // The listen socket first: an environment that ends with one open aborts the process.
    this.stopListening();
    this.app.close();
  }

  private open({ address, port }: ListenAddress): Promise<UwsListenSocket | false> {
    return new Promise((resolve) => {
      this.app.listen(address, port, this.uws.LIBUS_LISTEN_EXCLUSIVE_PORT, resolve);
    });
  }

  private async reopen(): Promise<void> {
    if (this.at === undefined || this.socket !== undefined) return;
    const socket = await this.open(this.at);
    if (socket === false) this.guard.tryAgain();
    else this.socket = socket;
  }

  private stopListening(): void {
    if (this.socket === undefined) return;
    this.uws.us_listen_socket_close(this.socket);
    this.socket = undefined;
  }
}
