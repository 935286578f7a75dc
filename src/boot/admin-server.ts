// The admin socket: HTTP with JSON on a Unix socket that only the server's own user may open.

import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { errorText, UserError } from '../base/errors.js';
import type { Logger } from '../base/log.js';

/** Answers one request with what will be JSON. */
export type AdminRoute = (request: {
  readonly query: URLSearchParams;
  /** The rest of the path behind the route's name. */
  readonly rest: string;
  body(): Promise<unknown>;
}) => Promise<object>;

/** Routes by `METHOD name`. */
export type AdminRoutes = Readonly<Record<string, AdminRoute>>;

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** The listening socket. */
export class AdminServer {
  private readonly server: Server;

  constructor(
    private readonly path: string,
    private readonly routes: AdminRoutes,
    private readonly log: Logger,
  ) {
    this.server = createServer((request, response) => {
      void this.answer(request, response);
    });
  }

  async start(): Promise<void> {
    // Whoever holds the data folder's lock owns this name; a file there is a dead server's.
    rmSync(this.path, { force: true });
    const before = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.server.once('error', reject);
        this.server.listen(this.path, resolve);
      });
    } finally {
      process.umask(before);
    }
    chmodSync(this.path, 0o600);
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeIdleConnections();
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let status = 200;
    let reply: object;
    try {
      reply = await this.route(request);
    } catch (error) {
      status = error instanceof UserError ? 400 : 500;
      if (status === 500) this.log.error({ component: 'admin' }, errorText(error));
      const advice = error instanceof UserError ? error.advice : '';
      reply = { error: errorText(error), advice };
    }
    const text = JSON.stringify(reply);
    // One request per connection: a stop must not wait for a client that keeps its connection.
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(text);
  }

  private async route(request: IncomingMessage): Promise<object> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [, name = '', ...rest] = url.pathname.split('/');
    const route = this.routes[`${request.method} ${name}`];
    if (route === undefined) {
      throw new UserError(
        `The server does not know ${request.method} ${url.pathname}.`,
        'Use the command line of the same version.',
      );
    }
    return await route({
      query: url.searchParams,
      rest: decodeURIComponent(rest.join('/')),
      body: () => readBody(request),
    });
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    throw new UserError('The request is too large.');
  }
  return await json(request);
}
