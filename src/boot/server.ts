// The server: the ordered list of what it is made of, and how it starts, reloads and stops.

import { EventEmitter } from 'node:events';
import { errorText, UserError } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import { version } from '../base/version.js';
import { engineListeners } from '../config/engine-listeners.js';
import type { Config } from '../config/schema.js';
import type { Command } from '../engine/boundary.gen.js';
import { type EnginePort, type StartEngine, startEngine } from '../engine/engine-port.js';
import { Inquiries } from '../engine/inquiries.js';
import { Alarms } from '../operations/alarms/alarms.js';
import type { Caller, OperationContext, ReloadReply, ServerStatus } from '../operations/context.js';
import type { QueueStatus } from '../operations/queue-status.js';
import type { ServerSample } from '../operations/sample.js';
import { Sampler } from '../operations/sampler.js';
import { Traces } from '../operations/traces.js';
import { Views } from '../operations/views.js';
import { Dispatcher } from '../pool/dispatcher.js';
import { HandlerPool } from '../pool/handler-pool.js';
import { AdminTokens } from '../services/admin-tokens.js';
import { certificateEnd, certificateProblems, ensureCertificate } from '../services/certificate.js';
import { DataLock } from '../services/data-lock.js';
import { CAPS_NODE, capsVersion } from '../services/disco.js';
import { Facts } from '../services/facts.js';
import { type NoiseIdentity, openNoiseIdentity } from '../services/noise-identity.js';
import { OnlineUsers } from '../services/online-users.js';
import { secret } from '../services/secrets.js';
import { openServices, type Services } from '../services/services.js';
import { type Settings, settingsOf } from '../services/settings.js';
import { Store } from '../services/store.js';
import { AdminService } from './admin-service.js';
import { engineConfig } from './engine-config.js';
import { type Authenticate, EventRouter, type SessionNotice } from './engine-events.js';
import { HttpService } from './http-service.js';
import { formatListener, type Listener } from './listeners.js';
import { requirePorts } from './ports.js';
import { Steps } from './steps.js';

export { formatListener, type Listener };

/** Events of a server. */
export interface ServerEvents {
  listening: [listeners: readonly Listener[]];
  session: [session: SessionNotice];
  sessionEnded: [session: SessionNotice];
  /** A handler failed, or a request could not be answered; the server goes on. */
  failure: [component: string, message: string];
  closed: [];
}

export interface ServerParts {
  readonly log: Logger;
  /** Checks passwords in place of the accounts; set before the start. */
  readonly authenticate?: () => Authenticate | undefined;
  readonly startEngine?: StartEngine;
}

/** What works on the store. */
interface StoreParts {
  readonly services: Services;
  readonly facts: Facts;
  readonly tokens: AdminTokens;
  readonly alarms: Alarms;
}

const STARTED_SECONDS = 600;
const LISTENING_SECONDS = 30;
const FACTS_PER_TURN = 500;

/** One server in this process. */
export class Server extends EventEmitter<ServerEvents> {
  readonly open: Listener[] = [];
  private readonly log: Logger;
  private readonly settings: Settings;
  private readonly online = new OnlineUsers();
  private readonly inquiries: Inquiries;
  private readonly traces: Traces;
  private readonly steps: Steps;
  private readonly externalAuth: boolean;
  private lock: DataLock | undefined;
  private parts: StoreParts | undefined;
  private pool: HandlerPool | undefined;
  private tested: Promise<void> | undefined;
  private dispatcher: Dispatcher | undefined;
  private engine: EnginePort | undefined;
  private identity: NoiseIdentity | undefined;
  private readonly admin: AdminService;
  private readonly sampler: Sampler;
  private readonly views: Views;
  private certificateEnds = 0;
  private http: HttpService | undefined;
  private stopping: Promise<void> | undefined;
  private reloading = false;
  private handlersVersion = 1;
  private resolveStarted: () => void = () => undefined;
  private resolveListening: () => void = () => undefined;

  constructor(
    private readonly config: Config,
    private readonly options: ServerParts,
  ) {
    super();
    this.log = options.log;
    this.externalAuth = options.authenticate?.() !== undefined;
    this.settings = settingsOf(config, version, { live: true, externalAuth: this.externalAuth });
    this.inquiries = new Inquiries((command) => this.runningEngine().send(command), config.shards);
    this.traces = new Traces(this.inquiries);
    this.sampler = new Sampler(
      {
        folder: config.data,
        memoryBytes: config.alarms.memoryBytes,
        log: this.log,
        server: () => this.figures(),
        engine: () => this.runningEngine().stats(),
        queues: () => this.queues(),
        handlers: () => this.required().dispatcher.handlerTimes(),
      },
      (sample, before) => this.required().alarms.watch(sample, before),
    );
    this.views = new Views(this.sampler);
    const admin = new AdminService({
      config,
      log: this.log,
      sampler: this.sampler,
      tokens: () => this.required().tokens,
      contextOf: (caller) => this.contextOf(caller),
    });
    this.admin = admin;
    const nothing = async (): Promise<void> => undefined;
    this.steps = new Steps(
      [
        // The folder first: nothing else may touch it while another process has it.
        { name: 'data folder', start: () => this.takeFolder(), stop: () => this.leaveFolder() },
        { name: 'certificate', start: () => this.prepareCertificate(), stop: nothing },
        { name: 'accounts', start: () => this.openStore(), stop: () => this.closeStore() },
        // Their self-test takes a while, in a worker: the engine starts beside it.
        { name: 'handlers', start: () => this.startHandlers(), stop: () => this.stopHandlers() },
        { name: 'engine', start: () => this.startEngine(), stop: () => this.stopEngine() },
        { name: 'facts', start: () => this.pushFacts(), stop: nothing },
        // Handlers that do not work stop the start before a client can meet them.
        { name: 'self-test', start: () => this.awaitSelfTest(), stop: nothing },
        { name: 'sampler', start: () => this.startSampler(), stop: () => this.stopSampler() },
        { name: 'admin', start: () => this.startAdmin(), stop: () => admin.stop() },
        // From here on clients come; its stop sends them away.
        { name: 'listeners', start: () => this.openListeners(), stop: () => this.drain() },
        // Last, because it tells devices where the other listeners are.
        { name: 'http', start: () => this.startHttp(), stop: () => this.stopHttp() },
      ],
      this.log,
    );
  }

  /** Starts everything; resolves when clients can connect. */
  async start(): Promise<void> {
    await this.steps.start();
    this.emit('listening', this.open);
  }

  /** Sends clients away so that they reconnect, flushes, stops. May be called more than once. */
  async stop(): Promise<void> {
    this.traces.stopAll();
    this.stopping ??= this.steps.stop().then(() => {
      this.emit('closed');
    });
    await this.stopping;
  }

  /** Loads handlers and certificate again. What does not work is refused and nothing changes. */
  async reload(): Promise<ReloadReply> {
    if (this.reloading) throw new UserError('A reload is under way.', 'Try again.');
    this.reloading = true;
    try {
      return await this.reloadOnce();
    } finally {
      this.reloading = false;
    }
  }

  /** How the server is, for `rookery status`. */
  status(): ServerStatus {
    const { commandQueue: _, ...native } = this.runningEngine().stats();
    const { certificateEnds: __, ...figures } = this.figures();
    return {
      ...figures,
      listeners: this.open.map(formatListener),
      residentBytes: process.memoryUsage.rss(),
      queues: this.queues(),
      engine: { ...native, queues: [...native.queues] },
    };
  }

  private figures(): ServerSample {
    return {
      version,
      pid: process.pid,
      domain: this.config.domain,
      uptimeSeconds: Math.floor((Date.now() - this.settings.startedAt) / 1000),
      accounts: this.required().services.accounts.count(),
      usersOnline: this.online.size,
      handlersVersion: this.handlersVersion,
      certificateEnds: this.certificateEnds,
    };
  }

  /** The queues of the control plane. */
  private queues(): QueueStatus[] {
    return [
      { ...this.required().dispatcher.stats() },
      ...(this.http?.stats() ?? []),
      ...this.admin.stats(),
      ...this.required().alarms.stats(),
      { name: 'engine commands', ...this.runningEngine().commandQueue() },
    ];
  }

  /** What operations work with that this caller asks for. */
  private contextOf(caller: Caller): OperationContext {
    const { services, tokens, alarms, dispatcher } = this.required();
    return {
      caller,
      services,
      tokens,
      apply: (effects) => dispatcher.apply(effects),
      server: {
        config: this.config,
        log: this.log,
        engine: this.runningEngine(),
        online: this.online,
        inquiries: this.inquiries,
        traces: this.traces,
        sampler: this.sampler,
        views: this.views,
        alarms,
        status: () => this.status(),
        reload: () => this.reload(),
        stop: () => this.stop(),
      },
    };
  }

  /** The parts of a server that is up. */
  required(): StoreParts & { dispatcher: Dispatcher } {
    const { parts, dispatcher } = this;
    if (parts === undefined || dispatcher === undefined) throw new Error('the server is not up');
    return { ...parts, dispatcher };
  }

  private async takeFolder(): Promise<void> {
    this.lock = DataLock.take(this.config.data, 'rookery start');
  }

  private async leaveFolder(): Promise<void> {
    this.lock?.release();
  }

  private async prepareCertificate(): Promise<void> {
    const { tls, domain } = this.config;
    if (await ensureCertificate(tls, domain)) {
      this.log.warn(
        { component: 'tls' },
        `made a self-signed certificate for ${domain}: ${tls.cert}; clients will ask whether to ` +
          'trust it. Put a real one there, or name one with tls.cert and tls.key.',
      );
    }
    this.certificateEnds = certificateEnd(tls.cert);
    for (const problem of certificateProblems(tls, domain)) {
      this.log.warn({ component: 'tls' }, problem);
    }
  }

  private async openStore(): Promise<void> {
    const services = openServices(Store.open(this.config.data), this.settings);
    const tokens = AdminTokens.open(services);
    const { config, log } = this;
    const alarms = new Alarms({ config, version, store: services.store, log });
    await alarms.open();
    this.parts = { services, facts: new Facts(services), tokens, alarms };
  }

  private async closeStore(): Promise<void> {
    await this.parts?.alarms.close();
    await this.parts?.services.store.close();
  }

  private newPool(): HandlerPool {
    const { pool, handlers } = this.config;
    return new HandlerPool({ settings: this.settings, pool, handlers });
  }

  private async startHandlers(): Promise<void> {
    const pool = this.newPool();
    this.pool = pool;
    this.tested = requireSelfTest(pool, 'The handlers cannot be used');
    // Its failure is reported where it is awaited; until then it is nobody's unhandled rejection.
    this.tested.catch(() => undefined);
    if (this.parts === undefined) throw new Error('the store is opened before the handlers');
    this.dispatcher = new Dispatcher(pool, {
      domain: this.config.domain,
      lanes: pool.lanes,
      maxQueue: this.config.pool.maxQueue,
      maxQueueBytes: this.config.pool.maxQueueBytes,
      facts: this.parts.facts,
      sink: {
        send: (command) => this.runningEngine().send(command),
        room: () => this.runningEngine().room(),
      },
      onFailure: (component, message) => {
        this.log.error({ component }, message);
        this.emit('failure', component, message);
      },
    });
  }

  private async stopHandlers(): Promise<void> {
    await this.dispatcher?.close();
  }

  private runningEngine(): EnginePort {
    if (this.engine === undefined) throw new Error('the engine does not run');
    return this.engine;
  }

  private async startEngine(): Promise<void> {
    const { services, dispatcher } = this.required();
    const started = new Promise<void>((resolve) => {
      this.resolveStarted = resolve;
    });
    const router = new EventRouter({
      services,
      dispatcher,
      online: this.online,
      inquiries: this.inquiries,
      log: this.log,
      send: (command) => this.runningEngine().send(command),
      authenticate: () => this.options.authenticate?.(),
      onSession: (session) => this.emit('session', session),
      onSessionEnded: (session) => this.emit('sessionEnded', session),
      onListening: (protocol, address, port) => this.listening({ protocol, address, port }),
      onStarted: ({ storedMessages, badRecords, recoveryMs }) => {
        const level = badRecords > 0n ? 'warn' : 'info';
        this.log[level](
          { component: 'store', recoveryMs },
          `${storedMessages} stored messages, ${badRecords} bad records skipped`,
        );
        this.resolveStarted();
      },
    });
    const madeUpSaltSecret = await secret(services.store, 'made-up-salts');
    const start = this.options.startEngine ?? startEngine;
    try {
      const noise = openNoiseIdentity(this.config.data, this.config.domain);
      this.identity = noise;
      const extras = { externalAuth: this.externalAuth, madeUpSaltSecret, noise };
      this.engine = start(engineConfig(this.config, extras), router.route);
    } catch (error) {
      throw new UserError(`The engine cannot start: ${errorText(error)}`, 'Run `rookery check`.');
    }
    await within(started, STARTED_SECONDS, 'The engine did not start in time.');
  }

  private async stopEngine(): Promise<void> {
    await this.dispatcher?.drain();
    this.engine?.stop();
  }

  private async pushFacts(): Promise<void> {
    const { services, facts } = this.required();
    const engine = this.runningEngine();
    const removed = [...services.accounts.removedNames()];
    let pushed = 0;
    for (const command of facts.everything()) {
      if (pushed++ % FACTS_PER_TURN === 0) {
        await engine.room();
        await new Promise((resolve) => setImmediate(resolve));
      }
      engine.send(command);
    }
    if (removed.length > 0) await services.accounts.forgetRemoved(removed);
  }

  private async awaitSelfTest(): Promise<void> {
    await this.tested;
    this.runningEngine().send(this.caps());
  }

  private caps(): Command {
    const features = this.pool?.features.server ?? [];
    return { kind: 'SetCaps', node: CAPS_NODE, ver: capsVersion(features) };
  }

  private async openListeners(): Promise<void> {
    const addresses = engineListeners(this.config).map(({ address }) => address);
    const { listen: http } = this.config.http;
    await requirePorts([...addresses, ...(http === 'off' ? [] : [http])]);
    const all = new Promise<void>((resolve) => {
      this.resolveListening = resolve;
    });
    this.runningEngine().send({ kind: 'OpenListeners' });
    await within(all, LISTENING_SECONDS, 'Not every listener could be opened; see the log.');
  }

  private listening(listener: Listener): void {
    this.open.push(listener);
    const opened = this.open.filter(({ protocol }) => protocol !== 'admin').length;
    if (opened === engineListeners(this.config).length) this.resolveListening();
  }

  private async startSampler(): Promise<void> {
    this.sampler.start();
  }

  private async stopSampler(): Promise<void> {
    this.sampler.stop();
  }

  private async startAdmin(): Promise<void> {
    const listener = await this.admin.start();
    if (listener !== undefined) this.open.push(listener);
  }

  private async startHttp(): Promise<void> {
    const { services, dispatcher } = this.required();
    const { config, log, identity } = this;
    if (identity === undefined) throw new Error('the engine is started before HTTP');
    this.http = new HttpService({
      config,
      log,
      services,
      identity,
      listeners: () => this.open,
      apply: (effects) => dispatcher.apply(effects),
    });
    const listener = await this.http.start();
    if (listener !== undefined) this.open.push(listener);
  }

  private async stopHttp(): Promise<void> {
    await this.http?.stop();
  }

  private async drain(): Promise<void> {
    const complete = await this.runningEngine().drain(this.config.shutdown.drainSeconds);
    if (complete) return;
    this.log.warn({ component: 'boot' }, 'not every stream was closed in time; stopping anyway');
  }

  private async reloadOnce(): Promise<ReloadReply> {
    const { dispatcher } = this.required();
    const pool = this.newPool();
    await requireSelfTest(pool, 'Refused, the old handlers stay in place');
    this.pool = pool;
    this.handlersVersion++;
    const { cert, key } = this.config.tls;
    const engine = this.runningEngine();
    engine.send(this.caps());
    engine.send({ kind: 'ReloadTls', tlsCert: cert, tlsKey: key });
    this.certificateEnds = certificateEnd(cert);
    await dispatcher.swap(pool);
    this.log.info({ component: 'handlers' }, `version ${this.handlersVersion} has taken over`);
    return { version: this.handlersVersion, handlers: pool.handlers };
  }
}

async function requireSelfTest(pool: HandlerPool, refusal: string): Promise<void> {
  let problems: string[];
  try {
    problems = await pool.selfTest();
  } catch (error) {
    problems = [errorText(error)];
  }
  if (problems.length === 0) return;
  await pool.close();
  throw new UserError(`${refusal}:\n  ${problems.join('\n  ')}`, 'Correct them and try again.');
}

async function within(work: Promise<void>, seconds: number, message: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new UserError(message)), seconds * 1000);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
