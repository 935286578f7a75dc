// The ways in for operators: a Unix socket that only the server's own user may open. Behind it
// stand the operations of the registry.

import { chmodSync, rmSync } from 'node:fs';
import { adminSocketPath } from '../base/admin-path.js';
import type { Logger } from '../base/log.js';
import type { Config } from '../config/schema.js';
import { HttpServer } from '../http/server.js';
import type { Caller, OperationContext } from '../operations/context.js';
import { operations } from '../operations/registry.js';
import { operationRoutes } from '../operations/routes.js';

/** Whoever may open the socket may do everything. */
const OWNER: Caller = { name: 'command line', role: 'admin', via: 'socket' };
const MAX_SOCKET_REQUESTS = 1000;
/** An import of accounts comes in one piece. */
const MAX_SOCKET_BODY_BYTES = 64 * 1024 * 1024;

export interface AdminParts {
  readonly config: Config;
  readonly log: Logger;
  /** What the operations work with. */
  readonly contextOf: (caller: Caller) => OperationContext;
}

/** The service. */
export class AdminService {
  private readonly socket: HttpServer;
  private readonly path: string;

  constructor(private readonly parts: AdminParts) {
    const { config, log } = parts;
    this.path = adminSocketPath(config.data);
    this.socket = new HttpServer({
      name: 'admin socket',
      config: {
        listen: 'off',
        trustedProxies: [],
        allowedOrigins: [],
        maxRequests: MAX_SOCKET_REQUESTS,
        maxRequestsPerAddress: MAX_SOCKET_REQUESTS,
      },
      routes: operationRoutes(operations, () => this.parts.contextOf(OWNER)),
      log,
      maxBodyBytes: MAX_SOCKET_BODY_BYTES,
      socketPath: this.path,
    });
  }

  async start(): Promise<void> {
    // Whoever holds the data folder's lock owns this name; a file there is a dead server's.
    rmSync(this.path, { force: true });
    const before = process.umask(0o177);
    try {
      await this.socket.start();
    } finally {
      process.umask(before);
    }
    chmodSync(this.path, 0o600);
  }

  async stop(): Promise<void> {
    await this.socket.stop();
  }
}
