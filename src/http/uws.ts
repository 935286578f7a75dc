// The door to uWebSockets.js: its types as far as they are used, and how it is loaded. Its package
// may bring a substitute in JavaScript, which lacks much of the interface: that is not used.

import { createRequire } from 'node:module';
import { errorText } from '../base/errors.js';

export interface UwsRequest {
  getMethod(): string;
  getUrl(): string;
  getQuery(): string;
  getHeader(lowerCaseName: string): string;
}

export interface UwsResponse {
  onAborted(handler: () => void): UwsResponse;
  onData(handler: (piece: ArrayBuffer, last: boolean) => void): UwsResponse;
  onWritable(handler: (offset: number) => boolean): UwsResponse;
  cork(work: () => void): unknown;
  writeStatus(status: string): UwsResponse;
  writeHeader(name: string, value: string): UwsResponse;
  getWriteOffset(): number;
  /** False when the client has not taken all of it yet. */
  write(piece: string | Uint8Array): boolean;
  upgrade(
    userData: UwsSocketData,
    key: string,
    protocol: string,
    extensions: string,
    context: object,
  ): void;
  tryEnd(body: Uint8Array, totalBytes: number): [ok: boolean, done: boolean];
  end(body?: Uint8Array, closeConnection?: boolean): UwsResponse;
  endWithoutBody(bytes?: number, closeConnection?: boolean): UwsResponse;
  getRemoteAddressAsText(): ArrayBuffer;
}

/** What a socket carries from its upgrade to its end. */
export interface UwsSocketData {
  opened(socket: UwsSocket): void;
  closed(): void;
}

/** A WebSocket; its data are its own fields. */
export interface UwsSocket extends UwsSocketData {
  send(message: string): number;
  getBufferedAmount(): number;
  end(code?: number): void;
}

export interface UwsSocketBehaviour {
  idleTimeout: number;
  maxPayloadLength: number;
  maxBackpressure: number;
  upgrade(response: UwsResponse, request: UwsRequest, context: object): void;
  open(socket: UwsSocket): void;
  close(socket: UwsSocket): void;
}

/** An open listen socket; nothing but a handle. */
export type UwsListenSocket = object;

export interface UwsApp {
  any(pattern: string, handler: (response: UwsResponse, request: UwsRequest) => void): UwsApp;
  ws(pattern: string, behaviour: UwsSocketBehaviour): UwsApp;
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: UwsListenSocket | false) => void,
  ): UwsApp;
  close(): void;
}

export interface Uws {
  App(options?: object): UwsApp;
  us_listen_socket_close(socket: UwsListenSocket): void;
  us_socket_local_port(socket: UwsListenSocket): number;
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
}

/** The native build, or why there is none. */
export type LoadedUws =
  | { readonly uws: Uws; readonly build: string }
  | { readonly uws?: undefined; readonly problem: string };

function isNative(value: unknown): boolean {
  return (
    typeof value === 'function' && Function.prototype.toString.call(value).includes('[native code]')
  );
}

/** Loads what is installed under the usual name. */
export function loadUws(): LoadedUws {
  const require = createRequire(import.meta.url);
  try {
    const uws = require('uWebSockets.js') as Uws;
    if (!isNative(uws.App)) {
      return { problem: `it has no build for ${process.platform}-${process.arch}, this Node` };
    }
    const { name, version } = require('uWebSockets.js/package.json') as Record<string, string>;
    return { uws, build: `${name} ${version}` };
  } catch (error) {
    return { problem: errorText(error).split('\n')[0] ?? '' };
  }
}
