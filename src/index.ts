// The library: a Rookery server inside your own Node process.
//
//   import { createServer } from 'rookery';
//   const server = createServer({ config: { domain: 'example.org', data: './data' } });
//   server.authenticate = async ({ user, password }) => checkWithMyService(user, password);
//   server.on('listening', (listeners) => console.log(listeners));
//   await server.start();

import { EventEmitter } from 'node:events';
import { createLogger } from './base/log.js';
import type { Authenticate } from './boot/engine-events.js';
import { type Listener, Server, type ServerEvents } from './boot/server.js';
import { configFromObject, loadConfig } from './config/load.js';
import type { Config, ConfigInput } from './config/schema.js';
import { accountName } from './services/accounts.js';
import { deriveCredentials } from './services/scram.js';

export type { Authenticate, Credentials, SessionNotice } from './boot/engine-events.js';
export type { Listener, ServerEvents } from './boot/server.js';
export type { ConfigInput } from './config/schema.js';

/** What createServer() takes: a configuration as an object, or the file that holds it. */
export interface ServerOptions {
  /** The keys of docs/CONFIGURATION.md. Relative paths count from the working directory. */
  readonly config?: ConfigInput;
  /** A YAML file; not together with `config`. */
  readonly configFile?: string;
}

/** A server. One can run per process, because it owns the process's data plane. */
export class RookeryServer extends EventEmitter<ServerEvents> {
  /**
   * Decides whether a password is right, in place of the accounts kept here. Assign it before
   * start(). Clients are then offered SASL PLAIN only. A rejection or an exception counts as no.
   */
  authenticate: Authenticate | undefined;
  readonly #config: Config;
  #server: Server | undefined;

  /** Throws a ConfigError that lists every problem of the configuration. */
  constructor(options: ServerOptions = {}) {
    super();
    if (options.config !== undefined && options.configFile !== undefined) {
      throw new TypeError('createServer: give config or configFile, not both');
    }
    this.#config =
      options.config === undefined
        ? loadConfig(options.configFile).config
        : configFromObject(options.config);
  }

  /** Starts; resolves with the open listeners when clients can connect. */
  async start(): Promise<readonly Listener[]> {
    if (this.#server !== undefined) throw new Error('start: the server was started already');
    const server = new Server(this.#config, {
      log: createLogger(this.#config.log),
      authenticate: () => this.authenticate,
    });
    this.#server = server;
    server.on('listening', (listeners) => this.emit('listening', listeners));
    server.on('session', (session) => this.emit('session', session));
    server.on('sessionEnded', (session) => this.emit('sessionEnded', session));
    server.on('failure', (component, message) => this.emit('failure', component, message));
    server.on('closed', () => this.emit('closed'));
    await server.start();
    return server.open;
  }

  /** Makes an account; false when there is one of that name. The server must have been started. */
  async addAccount(user: string, password: string): Promise<boolean> {
    const name = accountName(user, this.#config.domain);
    if (name === undefined) throw new TypeError(`addAccount: '${user}' cannot be a user name`);
    const { services, dispatcher } = this.#running('addAccount').required();
    const credentials = await deriveCredentials(password, this.#config.accounts.scramIterations);
    const [outcome] = await services.accounts.write([{ user: name, credentials }], 'add');
    if (outcome !== 'added') return false;
    await dispatcher.apply([{ kind: 'RefreshAccount', user: name }]);
    return true;
  }

  /** Loads the handlers and the certificate again, with nobody disconnected. */
  async reload(): Promise<void> {
    await this.#running('reload').reload();
  }

  /** The figures that `rookery status --json` prints. */
  status(): object {
    return this.#running('status').status();
  }

  /** Sends clients away so that they reconnect, commits every mailbox, and stops. */
  async close(): Promise<void> {
    await this.#server?.stop();
  }

  #running(method: string): Server {
    if (this.#server === undefined) throw new Error(`${method}: call start() first`);
    return this.#server;
  }
}

/** Makes a server; start() starts it. */
export function createServer(options: ServerOptions = {}): RookeryServer {
  return new RookeryServer(options);
}
