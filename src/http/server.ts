// The HTTP interface: takes requests from the transport, checks them against their routes, answers.
// Everything is refused before memory is spent on it, and nothing waits without an end.

import type { z } from 'zod';
import { errorText } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import { type ListenAddress, parseListenAddress } from '../config/fields.js';
import type { Config } from '../config/schema.js';
import { ClientGone, checkBodyHeaders, parseJson, readBody } from './body.js';
import { addressSubject, clientAddress, hostOf, normaliseAddress } from './client-address.js';
import { NodeTransport } from './node-transport.js';
import { Problem } from './problem.js';
import { queryObject } from './query.js';
import type { BeginStream, Reply, Route, RouteRequest } from './route.js';
import { type Match, Router } from './router.js';
import type { StaticFiles } from './static-files.js';
import type { Exchange, Headers, Transport, Upgrade } from './transport.js';
import { type LoadedUws, loadUws } from './uws.js';
import { UwsTransport } from './uws-transport.js';

const MAX_BODY_BYTES = 16_384;
const NO_BODY = Buffer.from('{}');
const BODY_SECONDS = 8;
const HANDLER_SECONDS = 20;
const HEADERS = [
  'authorization',
  'content-length',
  'content-type',
  'host',
  'if-none-match',
  'origin',
  'sec-websocket-protocol',
  'transfer-encoding',
  'x-forwarded-for',
];
/** What every answer says to browsers: nothing of it is to be guessed at, framed, or kept. */
const API_HEADERS: Headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};
const EMPTY = new Uint8Array();

/** Counters of the interface. */
export interface HttpStats {
  readonly name: string;
  /** Requests under way. */
  readonly depth: number;
  readonly limit: number;
  readonly refused: number;
  readonly answered: number;
  readonly failed: number;
}

/** Where an interface listens, and its limits. */
export type HttpLimits = Pick<
  Config['http'],
  'listen' | 'trustedProxies' | 'allowedOrigins' | 'maxRequests' | 'maxRequestsPerAddress'
>;

/** What the interface is made of. */
export interface HttpParts {
  /** For the log, and for its queue. */
  readonly name: string;
  readonly config: HttpLimits;
  readonly routes: readonly Route[];
  /** What is served beside the routes. */
  readonly files?: StaticFiles;
  readonly log: Logger;
  /** The largest body; 16 KiB when left out. */
  readonly maxBodyBytes?: number;
  /** Listens on a Unix socket in place of an address. */
  readonly socketPath?: string;
}

/** A request that is counted in, or the reason why not. */
interface Admission {
  readonly address: string;
  readonly subject: string;
  readonly refusal?: Problem;
}

/** One HTTP listener. */
export class HttpServer {
  private readonly transport: Transport;
  private readonly router: Router;
  private readonly trusted: ReadonlySet<string>;
  private readonly byAddress = new Map<string, number>();
  private underWay = 0;
  private refused = 0;
  private answered = 0;
  private failed = 0;

  /** `loaded`: what carries it, or why that must be node:http. */
  constructor(
    private readonly parts: HttpParts,
    loaded: LoadedUws = loadUws(),
  ) {
    this.router = new Router(parts.routes);
    this.trusted = new Set(parts.config.trustedProxies.map(normaliseAddress));
    this.transport = this.chooseTransport(loaded);
  }

  /** Opens the listener; resolves with where it listens. */
  async start(): Promise<ListenAddress> {
    const { socketPath } = this.parts;
    if (socketPath !== undefined && this.transport instanceof NodeTransport) {
      await this.transport.listenAt(socketPath);
      return { address: socketPath, port: 0 };
    }
    const address = parseListenAddress(this.parts.config.listen);
    if (address === undefined) throw new Error(`${this.parts.name} has no address to listen on`);
    const port = await this.transport.listen(address);
    return { ...address, port };
  }

  /** Takes no more requests and ends the connections. */
  async stop(): Promise<void> {
    await this.transport.close();
  }

  stats(): HttpStats {
    const { underWay, refused, answered, failed } = this;
    const limit = this.parts.config.maxRequests;
    return { name: this.parts.name, depth: underWay, limit, refused, answered, failed };
  }

  private chooseTransport(loaded: LoadedUws): Transport {
    const { log, name: component, socketPath, routes } = this.parts;
    const take = (exchange: Exchange): void => void this.take(exchange);
    const isLive = routes.some(({ open }) => open !== undefined);
    const upgrade = isLive ? (asked: Upgrade): void => this.takeUpgrade(asked) : undefined;
    if (socketPath !== undefined) return new NodeTransport(take);
    if (loaded.uws === undefined) {
      log.warn({ component }, `uWebSockets.js is not used (${loaded.problem})`);
      log.info({ component }, 'served by node:http');
      return new NodeTransport(take, upgrade);
    }
    log.info({ component }, `served by ${loaded.build}`);
    const crowding = (crowded: boolean): void => {
      if (crowded) log.warn({ component }, 'descriptors are scarce: the listener closes');
      else log.info({ component }, 'descriptors are free: the listener opens again');
    };
    return new UwsTransport(loaded.uws, loaded.build, HEADERS, take, crowding, upgrade);
  }

  private async take(exchange: Exchange): Promise<void> {
    const { address, subject, refusal } = this.admit(exchange);
    if (refusal !== undefined) {
      this.fail(exchange, refusal);
      return;
    }
    try {
      await this.serve(exchange, address);
    } catch (error) {
      if (!(error instanceof ClientGone)) this.fail(exchange, this.asProblem(error));
    } finally {
      this.leave(subject);
    }
  }

  /** Counts a request in, unless there are too many under way; `leave` must follow. */
  private admit(asked: Pick<Exchange, 'peer' | 'header'>): Admission {
    const address = clientAddress(asked.peer, asked.header('x-forwarded-for'), this.trusted);
    const subject = addressSubject(address);
    const others = this.byAddress.get(subject) ?? 0;
    const { maxRequests, maxRequestsPerAddress } = this.parts.config;
    if (this.underWay >= maxRequests || others >= maxRequestsPerAddress) {
      this.refused++;
      const status = others >= maxRequestsPerAddress ? 429 : 503;
      const type = status === 429 ? 'too-many-requests' : 'too-busy';
      const rule = status === 429 ? 'requests-per-address' : 'requests';
      const refusal = new Problem(status, type, { rule, retryAfterSeconds: 5, close: true });
      return { address, subject, refusal };
    }
    this.underWay++;
    this.byAddress.set(subject, others + 1);
    return { address, subject };
  }

  private leave(subject: string): void {
    this.underWay--;
    const left = (this.byAddress.get(subject) ?? 1) - 1;
    if (left === 0) this.byAddress.delete(subject);
    else this.byAddress.set(subject, left);
  }

  /** A WebSocket counts as a request for as long as it is open. */
  private takeUpgrade(upgrade: Upgrade): void {
    const { address, subject, refusal } = this.admit(upgrade);
    if (refusal !== undefined) {
      this.refuseUpgrade(upgrade, refusal);
      return;
    }
    let stop: (() => void) | undefined;
    const gone = (): void => {
      stop?.();
      this.leave(subject);
    };
    try {
      const match = this.router.find('GET', upgrade.path);
      if (match?.route.open === undefined) {
        throw new Problem(404, 'not-found', { rule: 'unknown-path' });
      }
      const begin = match.route.open(check(match, undefined, upgrade, address));
      const [protocol = ''] = upgrade.header('sec-websocket-protocol').split(',');
      const sink = upgrade.accept(protocol.trim(), gone);
      this.answered++;
      if (sink === undefined) this.leave(subject);
      else stop = begin(sink);
    } catch (error) {
      this.leave(subject);
      this.refuseUpgrade(upgrade, this.asProblem(error));
    }
  }

  private refuseUpgrade(upgrade: Upgrade, problem: Problem): void {
    const headers = { 'content-type': 'application/problem+json', ...problem.headers() };
    upgrade.refuse(problem.status, headers, Buffer.from(JSON.stringify(problem.body())));
  }

  private async serve(exchange: Exchange, address: string): Promise<void> {
    if (exchange.method === 'OPTIONS') {
      this.preflight(exchange);
      return;
    }
    const match = this.router.find(exchange.method, exchange.path);
    if (match === undefined) {
      const { files } = this.parts;
      if (files === undefined || exchange.path.startsWith('/api/')) {
        throw new Problem(404, 'not-found', { rule: 'unknown-path' });
      }
      files.serve(exchange);
      this.answered++;
      return;
    }
    const body = match.route.body;
    // Whether it has one is read off before anything else may happen: the transport hands a body
    // over at once or not at all.
    const raw = body === undefined ? undefined : await this.body(exchange, match.route);
    const request = check(match, raw, exchange, address);
    if (match.route.open !== undefined) {
      await this.goLive(exchange, match.route.open(request));
      return;
    }
    const seconds = match.route.seconds ?? HANDLER_SECONDS;
    const reply = await within(match.route.handle(request), seconds);
    this.answer(exchange, reply);
  }

  /** Sends lines until the client has gone, or nothing comes any more. */
  private async goLive(exchange: Exchange, begin: BeginStream): Promise<void> {
    this.answered++;
    await new Promise<void>((resolve) => {
      const sink = exchange.stream({
        ...API_HEADERS,
        ...this.cors(exchange),
        'content-type': 'application/x-ndjson',
      });
      const stop = begin({
        get blocked() {
          return sink.blocked;
        },
        send: (text) => sink.send(`${text}\n`),
        end() {
          sink.end();
          resolve();
        },
      });
      exchange.onAborted(() => {
        stop();
        resolve();
      });
    });
  }

  private async body(exchange: Exchange, route: Route): Promise<Buffer> {
    const none = Number(exchange.header('content-length')) === 0;
    if (route.bodyOptional === true && none && exchange.header('transfer-encoding') === '') {
      return NO_BODY;
    }
    const { maxBodyBytes = MAX_BODY_BYTES } = this.parts;
    checkBodyHeaders(exchange, maxBodyBytes);
    return await readBody(exchange, maxBodyBytes, BODY_SECONDS);
  }

  private answer(exchange: Exchange, reply: Reply): void {
    this.answered++;
    const json = reply.body === undefined ? EMPTY : Buffer.from(JSON.stringify(reply.body));
    const bytes = reply.bytes ?? json;
    const headers = {
      ...API_HEADERS,
      ...this.cors(exchange),
      ...(reply.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...reply.headers,
    };
    exchange.respond(reply.status, headers, bytes, false);
  }

  private fail(exchange: Exchange, problem: Problem): void {
    const headers = {
      ...API_HEADERS,
      ...this.cors(exchange),
      'content-type': 'application/problem+json',
      ...problem.headers(),
    };
    const json = Buffer.from(JSON.stringify(problem.body()));
    exchange.respond(problem.status, headers, json, problem.options.close ?? false);
  }

  private asProblem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    this.failed++;
    this.parts.log.error({ component: this.parts.name }, errorText(error));
    return new Problem(500, 'internal-error');
  }

  private cors(exchange: Exchange): Headers {
    const origin = exchange.header('origin');
    const allowed = this.parts.config.allowedOrigins;
    if (origin === '' || !allowed.includes(origin)) return {};
    return { 'access-control-allow-origin': origin, vary: 'origin' };
  }

  private preflight(exchange: Exchange): void {
    const methods = this.router.methods(exchange.path);
    const cors = this.cors(exchange);
    const allow = ['OPTIONS', ...(methods.length === 0 ? ['GET', 'HEAD'] : methods)].join(', ');
    const permission =
      Object.keys(cors).length === 0
        ? {}
        : {
            'access-control-allow-methods': allow,
            'access-control-allow-headers': 'authorization, content-type',
            'access-control-max-age': '3600',
          };
    this.answered++;
    exchange.respond(204, { ...API_HEADERS, ...cors, ...permission, allow }, EMPTY, false);
  }
}

/** Pages cannot give a WebSocket headers; their token comes as a protocol: `bearer.TOKEN`. */
function tokenOf(asked: Pick<Exchange, 'header'>): string {
  const found =
    /^Bearer +([A-Za-z0-9_-]{1,100})$/iu.exec(asked.header('authorization')) ??
    /, *bearer\.([A-Za-z0-9_-]{1,100})$/u.exec(asked.header('sec-websocket-protocol'));
  return found?.[1] ?? '';
}

function check(
  { route, params }: Match,
  raw: Buffer | undefined,
  exchange: Pick<Exchange, 'header' | 'query'>,
  address: string,
): RouteRequest<unknown, unknown> {
  return {
    body: raw === undefined ? undefined : validated(route.body, parseJson(raw), '#'),
    params: validated(route.params, params, 'path'),
    query:
      route.query === undefined
        ? undefined
        : validated(route.query, queryObject(route.query, exchange.query), 'query'),
    address,
    host: hostOf(exchange.header('host')),
    token: tokenOf(exchange),
  };
}

function validated(schema: z.ZodType | undefined, value: unknown, place: string): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap((issue) => {
    const pointer = [place, ...issue.path.map(escapePointer)].join('/');
    if (issue.code !== 'unrecognized_keys') return [{ pointer, detail: issue.message }];
    return issue.keys.slice(0, 10).map((key) => ({
      pointer: `${pointer}/${escapePointer(key.slice(0, 40))}`,
      detail: 'is not known here',
    }));
  });
  throw new Problem(400, 'bad-request', { rule: 'schema', errors });
}

function escapePointer(part: PropertyKey): string {
  return String(part).replaceAll('~', '~0').replaceAll('/', '~1');
}

async function within<Result>(work: Promise<Result>, seconds: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const problem = new Problem(503, 'too-busy', { retryAfterSeconds: 30 });
    timer = setTimeout(() => reject(problem), seconds * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
