// The ways in for operators: a Unix socket that only the server's own user may open, and HTTP for
// whoever has a token. Behind both stand the operations of the registry; the dashboard is served
// beside them.

import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { adminSocketPath } from '../base/admin-path.js';
import { errorText, UserError } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import { version } from '../base/version.js';
import type { Config } from '../config/schema.js';
import { Engine } from '../engine/engine.js';
import { openApiRoute } from '../http/openapi.js';
import { dashboardPolicy } from '../http/page-policy.js';
import { Problem } from '../http/problem.js';
import { type Route, route } from '../http/route.js';
import { HttpServer } from '../http/server.js';
import { StaticFiles } from '../http/static-files.js';
import { ADMIN_DOCUMENT } from '../operations/admin-document.js';
import type { Caller, OperationContext } from '../operations/context.js';
import { Exposition } from '../operations/metrics/exposition.js';
import { metricsTable } from '../operations/metrics/table.js';
import type { QueueStatus } from '../operations/queue-status.js';
import type { Role } from '../operations/role.js';
import { registryRoutes } from '../operations/routes.js';
import type { Sampler } from '../operations/sampler.js';
import type { AdminTokens } from '../services/admin-tokens.js';
import type { Listener } from './listeners.js';

/** Whoever may open the socket may do everything. */
const OWNER: Caller = { name: 'command line', role: 'admin', via: 'socket' };
const DASHBOARD_FOLDER = fileURLToPath(new URL('../dashboard', import.meta.url));
const MAX_REQUESTS = 1000;
const MAX_REQUESTS_PER_ADDRESS = 200;
const MAX_BODY_BYTES = 1024 * 1024;
/** An import of accounts comes in one piece. */
const MAX_SOCKET_BODY_BYTES = 64 * 1024 * 1024;

export interface AdminParts {
  readonly config: Config;
  readonly log: Logger;
  readonly tokens: () => AdminTokens;
  readonly sampler: Sampler;
  /** What the operations work with. */
  readonly contextOf: (caller: Caller) => OperationContext;
}

/** Who has this token; throws a Problem when nobody has. */
export function tokenCaller(tokens: AdminTokens, token: string): Caller {
  if (token === '') {
    throw new Problem(401, 'unauthorized', {
      rule: 'token-missing',
      detail: 'Send the header `Authorization: Bearer TOKEN`.',
      advice: '`rookery token add` makes tokens.',
    });
  }
  const found = tokens.find(token);
  if (found === undefined || found === 'expired') {
    const rule = found === undefined ? 'token-unknown' : 'token-expired';
    throw new Problem(401, 'unauthorized', { rule, advice: '`rookery token add` makes tokens.' });
  }
  return { name: found.name, role: found.role as Role, via: 'http' };
}

/** The service. */
export class AdminService {
  private readonly socket: HttpServer;
  private readonly path: string;
  private http: HttpServer | undefined;

  constructor(private readonly parts: AdminParts) {
    const { config, log } = parts;
    this.path = adminSocketPath(config.data);
    this.socket = new HttpServer({
      name: 'admin socket',
      config: {
        listen: 'off',
        trustedProxies: [],
        allowedOrigins: [],
        maxRequests: MAX_REQUESTS,
        maxRequestsPerAddress: MAX_REQUESTS,
      },
      routes: registryRoutes(() => this.parts.contextOf(OWNER)),
      log,
      maxBodyBytes: MAX_SOCKET_BODY_BYTES,
      socketPath: this.path,
    });
  }

  /** Opens both; resolves with where HTTP listens. */
  async start(): Promise<Listener | undefined> {
    // Whoever holds the data folder's lock owns this name; a file there is a dead server's.
    rmSync(this.path, { force: true });
    const before = process.umask(0o177);
    try {
      await this.socket.start();
    } finally {
      process.umask(before);
    }
    chmodSync(this.path, 0o600);
    return await this.startHttp();
  }

  async stop(): Promise<void> {
    await this.http?.stop();
    await this.socket.stop();
  }

  /** The requests under way, for `rookery status`. */
  stats(): QueueStatus[] {
    return this.http === undefined ? [] : [{ ...this.http.stats() }];
  }

  private async startHttp(): Promise<Listener | undefined> {
    const { admin } = this.parts.config;
    if (admin.listen === 'off') return undefined;
    const { log } = this.parts;
    const http = new HttpServer({
      name: 'admin',
      config: {
        ...admin,
        allowedOrigins: [],
        maxRequests: MAX_REQUESTS,
        maxRequestsPerAddress: MAX_REQUESTS_PER_ADDRESS,
      },
      routes: this.routes(),
      files: this.dashboard(),
      log,
      maxBodyBytes: MAX_BODY_BYTES,
    });
    try {
      const { address, port } = await http.start();
      this.http = http;
      return { protocol: 'admin', address, port };
    } catch (error) {
      throw new UserError(
        `admin.listen ${admin.listen} cannot be opened: ${errorText(error)}`,
        'Stop what listens there, or write another address.',
      );
    }
  }

  /** Open to all who reach it: it shows nothing before it has a token. */
  private dashboard(): StaticFiles {
    return new StaticFiles({
      folder: DASHBOARD_FOLDER,
      policy: dashboardPolicy,
      missing:
        'Rookery runs, but this installation has no dashboard. The interface is described at ' +
        '/api/openapi.json.',
    });
  }

  private metricsRoute(): Route {
    const exposition = new Exposition(metricsTable(Engine.metricsHelp()));
    const { config, tokens, sampler } = this.parts;
    return route({
      method: 'GET',
      path: '/metrics',
      operation: 'metrics',
      summary: 'Every figure of this second, for Prometheus',
      bearer: true,
      responses: { 200: { description: 'Text, as docs/METRICS.md says.' } },
      handle: async ({ token }) => {
        if (!config.admin.openMetrics) tokenCaller(tokens(), token);
        const { latest } = sampler;
        if (latest === undefined) throw new Problem(503, 'too-busy', { rule: 'sample-taken' });
        const headers = { 'content-type': exposition.contentType };
        return { status: 200, bytes: Buffer.from(await exposition.tell(latest)), headers };
      },
    });
  }

  private routes(): Route[] {
    const routes = registryRoutes(({ token }) =>
      this.parts.contextOf(tokenCaller(this.parts.tokens(), token)),
    );
    return [...routes, this.metricsRoute(), openApiRoute(routes, version, ADMIN_DOCUMENT)];
  }
}
