// Everything that is served over HTTP, put together: registration, devices, the chat page.

import { fileURLToPath } from 'node:url';
import type { Logger } from '../base/log.js';
import { version } from '../base/version.js';
import type { Config } from '../config/schema.js';
import type { ApiParts, Endpoints } from '../http/api-parts.js';
import { deviceRoutes } from '../http/device-routes.js';
import { openApiRoute } from '../http/openapi.js';
import { chatPolicy } from '../http/page-policy.js';
import { registrationRoutes } from '../http/registration-routes.js';
import type { Route } from '../http/route.js';
import { HttpServer } from '../http/server.js';
import { StaticFiles } from '../http/static-files.js';
import type { QueueStatus } from '../operations/queue-status.js';
import type { Effect } from '../services/effects.js';
import type { NoiseIdentity } from '../services/noise-identity.js';
import { DeviceKeeper } from '../services/registration/device-keeper.js';
import { PinOutbox } from '../services/registration/pin-outbox.js';
import { pinSender } from '../services/registration/pin-sender.js';
import { Registrar } from '../services/registration/registrar.js';
import { secretFile } from '../services/secret-file.js';
import type { Services } from '../services/services.js';
import type { Listener } from './listeners.js';

/** Where the engine's listeners take WebSockets. */
const WEBSOCKET_PATH = '/ws';
const SWEEP_MS = 60_000;
const PAGE_FOLDER = fileURLToPath(new URL('../page', import.meta.url));

export interface HttpServiceParts {
  readonly config: Config;
  readonly log: Logger;
  readonly services: Services;
  readonly identity: NoiseIdentity;
  /** The engine's open listeners. */
  readonly listeners: () => readonly Listener[];
  apply(effects: readonly Effect[]): Promise<void>;
}

/** The routes of the interface, in the order of its document. */
export function apiRoutes(parts: ApiParts): Route[] {
  return [...registrationRoutes(parts), ...deviceRoutes(parts)];
}

/** The service. */
export class HttpService {
  private server: HttpServer | undefined;
  private outbox: PinOutbox | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: HttpServiceParts) {}

  /** Opens the listener, unless it is switched off. */
  async start(): Promise<Listener | undefined> {
    const { config, log, services } = this.parts;
    if (config.http.listen === 'off') return undefined;
    const secret = secretFile(config.data, 'registration.key');
    const keeper = new DeviceKeeper(services, secret, config.registration.limits);
    const registrar = this.registrar(secret);
    const routes = apiRoutes(this.apiParts(registrar, keeper));
    const files = new StaticFiles({
      folder: PAGE_FOLDER,
      policy: (host) => chatPolicy(this.endpoints(host).webSocket),
      missing:
        'Rookery runs, but this installation has no chat page. The API is described at ' +
        '/api/openapi.json.',
    });
    const all = [...routes, openApiRoute(routes, version)];
    this.server = new HttpServer({ name: 'http', config: config.http, routes: all, files, log });
    const { address, port } = await this.server.start();
    this.timer = setInterval(() => void this.sweep(registrar, keeper), SWEEP_MS);
    this.timer.unref();
    return { protocol: 'http', address, port };
  }

  /** Takes no more requests; PINs that are not sent yet are given up. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.server?.stop();
    await this.outbox?.close();
  }

  /** The queues, for `rookery status`. */
  stats(): QueueStatus[] {
    const queues = [this.server?.stats(), this.outbox?.stats()];
    return queues.flatMap((queue) => (queue === undefined ? [] : [{ ...queue }]));
  }

  private registrar(secret: Buffer): Registrar | undefined {
    const { config, log, services } = this.parts;
    const sender = pinSender(config.registration);
    if (sender === undefined) return undefined;
    if (sender.name === 'development') {
      log.warn(
        { component: 'registration' },
        'PINs are shown on the console and in the answer: whoever reaches this server can ' +
          'register any number. Set registration.sender to serve others.',
      );
    }
    const outbox = new PinOutbox(sender, config.registration.maxQueue, log);
    this.outbox = outbox;
    return new Registrar({
      services,
      secret,
      config: config.registration,
      domain: config.domain,
      outbox,
    });
  }

  private apiParts(registrar: Registrar | undefined, keeper: DeviceKeeper): ApiParts {
    const { config, identity } = this.parts;
    return {
      domain: config.domain,
      version,
      config: config.registration,
      identity,
      registrar,
      keeper,
      ownNames: new Set(['localhost', config.domain, this.publicName()]),
      apply: (effects) => this.parts.apply(effects),
      endpoints: (host) => this.endpoints(host),
    };
  }

  /**
   * Where devices connect: the listeners' ports, at the name by which the client calls the server,
   * because behind `0.0.0.0` and a proxy nobody else knows it. The best comes first.
   */
  private endpoints(host: string): Endpoints {
    const { http, websocket, domain } = this.parts.config;
    const reached = this.publicName() || host || domain;
    const of = (protocol: string): number[] => {
      const open = this.parts.listeners().filter((listener) => listener.protocol === protocol);
      return [...new Set(open.map(({ port }) => port))];
    };
    // A page that came without TLS is on this machine, where no browser trusts a certificate that
    // nobody has signed; one that came with it may not connect without.
    const protocols = http.publicUrl.startsWith('https:') ? ['wss', 'ws'] : ['ws', 'wss'];
    const own = protocols.flatMap((protocol) =>
      of(protocol).map((port) => `${protocol}://${reached}:${port}${WEBSOCKET_PATH}`),
    );
    return {
      webSocket: websocket.url === '' ? own : [websocket.url],
      compact: of('compact').map((port) => `${reached}:${port}`),
    };
  }

  /** The name in `http.publicUrl`; empty when there is none. */
  private publicName(): string {
    const { publicUrl } = this.parts.config.http;
    return publicUrl === '' ? '' : new URL(publicUrl).hostname;
  }

  private async sweep(registrar: Registrar | undefined, keeper: DeviceKeeper): Promise<void> {
    try {
      await registrar?.sweep();
      await keeper.sweep();
    } catch (error) {
      this.parts.log.error({ component: 'registration', err: String(error) }, 'cleaning failed');
    }
  }
}
