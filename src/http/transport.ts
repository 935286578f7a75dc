// What the HTTP interface needs of whatever carries it, so that the same routes run on uWebSockets
// and, where that has no build for the machine, on node:http.

import type { ListenAddress } from '../config/fields.js';

/** Headers of an answer, by their names in lower case. */
export type Headers = Readonly<Record<string, string>>;

/** One request and its answer. */
export interface Exchange {
  /** In capitals. */
  readonly method: string;
  /** The path as it was sent, without the query. */
  readonly path: string;
  /** What stands behind `?`; may be empty. */
  readonly query: string;
  /** Numeric address of the connection's other end. */
  readonly peer: string;
  /** A request header; empty when there is none. */
  header(name: string): string;
  /** The body in pieces, each valid during the call only. At once, or not at all. */
  onData(take: (piece: Uint8Array, last: boolean) => void): void;
  /** The client has gone; nothing can be answered any more. At once, and once. */
  onAborted(gone: () => void): void;
  /** Answers; `close` ends the connection afterwards. */
  respond(status: number, headers: Headers, body: Uint8Array, close: boolean): void;
  /** Answers with a body that goes on until it is ended; onAborted tells when nobody reads on. */
  stream(headers: Headers): StreamSink;
}

/** Where pieces of a live answer go. */
export interface StreamSink {
  /** The other end has not taken yet what it was sent: what is sent now is kept for it. */
  readonly blocked: boolean;
  /** One message of a WebSocket, or a piece of a body. */
  send(text: string): void;
  end(): void;
}

/** A request to go on as a WebSocket. Answered at once or later, in one of both ways. */
export interface Upgrade {
  readonly path: string;
  readonly query: string;
  readonly peer: string;
  header(name: string): string;
  /** `gone` is called once, when the socket has closed. Undefined: the client has gone already. */
  accept(protocol: string, gone: () => void): StreamSink | undefined;
  refuse(status: number, headers: Headers, body: Uint8Array): void;
}

/** Takes requests for WebSockets; must not throw. */
export type OnUpgrade = (upgrade: Upgrade) => void;

/** A listening socket. */
export interface Transport {
  /** Which build it is, for the log. */
  readonly name: string;
  /** Resolves with the port. */
  listen(address: ListenAddress): Promise<number>;
  /** Takes no more connections, and ends those that there are. */
  close(): Promise<void>;
}

/** Takes requests as they come; must not throw. */
export type OnExchange = (exchange: Exchange) => void;

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The words behind a status. */
export function reasonOf(status: number): string {
  return REASONS[status] ?? 'Status';
}

/** Whether an answer of that status has no body, not even an empty one. */
export function isBodyless(status: number): boolean {
  return status === 204 || status === 304;
}
