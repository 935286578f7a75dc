// A route: what it takes, what it answers, in schemas from which validation and the OpenAPI
// document both come.

import type { z } from 'zod';
import type { Headers, StreamSink } from './transport.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A request that has been checked against its route. */
export interface RouteRequest<Body, Params> {
  readonly body: Body;
  readonly params: Params;
  /** As the route's `query` gave it. */
  readonly query: unknown;
  /** Address of the client, for limits. */
  readonly address: string;
  /** Name or address by which the client calls the server, without a port; empty when unknown. */
  readonly host: string;
  /** Bearer token; empty when there is none. */
  readonly token: string;
}

/** An answer. */
export interface Reply {
  readonly status: number;
  readonly body?: object;
  /** In place of `body`: what is not JSON; its type is among the headers. */
  readonly bytes?: Uint8Array;
  readonly headers?: Headers;
}

/** An answer in the document. */
export interface ResponseDoc {
  readonly description: string;
  /** The body's schema; none for an empty body. Errors have the one of Problem. */
  readonly schema?: z.ZodType;
}

/** What a route says of itself, and does. */
export interface RouteSpec<
  Body extends z.ZodType | undefined = z.ZodType | undefined,
  Params extends z.ZodObject | undefined = z.ZodObject | undefined,
> {
  readonly method: Method;
  /** `/api/v1/devices/{id}` */
  readonly path: string;
  readonly operation: string;
  readonly summary: string;
  readonly description?: string;
  /** Whether a bearer token is needed; the route itself checks it. */
  readonly bearer?: boolean;
  readonly body?: Body;
  /** An empty body stands for `{}`. */
  readonly bodyOptional?: boolean;
  readonly params?: Params;
  /** The variables behind `?`. */
  readonly query?: z.ZodObject;
  /** How long an answer may take, when that is not the interface's own limit. */
  readonly seconds?: number;
  /** What else the document says of it. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly responses: Readonly<Record<number, ResponseDoc>>;
  handle(
    request: RouteRequest<
      Body extends z.ZodType ? z.output<Body> : undefined,
      Params extends z.ZodObject ? z.output<Params> : undefined
    >,
  ): Promise<Reply>;
}

/** A route whose types have been seen to fit. */
export interface Route extends Omit<RouteSpec, 'handle'> {
  handle(request: RouteRequest<unknown, unknown>): Promise<Reply>;
  /**
   * A live answer, in place of `handle`: lines of JSON as they come, or, to who asks for it, the
   * messages of a WebSocket. May throw a Problem.
   */
  open?(request: RouteRequest<unknown, unknown>): BeginStream;
}

/** Begins to send; returns how it is stopped when the client has gone. */
export type BeginStream = (sink: StreamSink) => () => void;

/** Checks a route's types. */
export function route<
  Body extends z.ZodType | undefined = undefined,
  Params extends z.ZodObject | undefined = undefined,
>(spec: RouteSpec<Body, Params>): Route {
  // The router hands over nothing but what these very schemas gave it.
  return spec as unknown as Route;
}
