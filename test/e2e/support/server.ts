// The server as a child process: a configuration and a data folder of its own, accounts through the
// command line, ports from the line that begins with `ready`, killed and started again at will.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { callServer } from '../../../src/cli/admin-client.js';
import type { ConfigInput } from '../../../src/config/schema.js';
import { serverStatus } from '../../../src/operations/server-operations.js';
import type { Endpoint } from './raw-client.js';

const run = promisify(execFile);
const checkout = new URL('../../..', import.meta.url).pathname;
const main = join(checkout, 'dist/cli/main.js');

export const PASSWORD = 'secret';

// What /proc counts CPU in: USER_HZ, which is 100 on every Linux.
const TICKS_PER_SECOND = 100;

/** What `rookery status --json` prints. */
export interface ServerStatus {
  readonly engine: { readonly counters: Readonly<Record<string, number>> };
  readonly [field: string]: unknown;
}

export interface ServerOptions {
  readonly config?: ConfigInput;
  readonly accounts?: readonly string[];
  /** What else is to be in the data folder. */
  readonly beforeStart?: (dataFolder: string, configFile: string) => Promise<void>;
  readonly readyTimeoutMs?: number;
  /** Where to make the server's own folder; the system's for temporary files when left out. */
  readonly folder?: string;
  /** How many descriptors a table of the server may hold; the machine's own limit when left out. */
  readonly descriptors?: number;
}

// A limit that protects a server on the net would only stand in the way of a test's many clients.
const roomy = {
  acceptsPerSecond: 1_000_000,
  loginsPerSecond: 1_000_000,
  failedLoginsPerMinute: 1_000_000,
};

export class TestServer {
  readonly folder: string;
  readonly configFile: string;
  readonly data: string;
  readonly domain = 'localhost';
  /** What the server wrote to standard error, the last part of it. */
  log = '';
  readyLine = '';
  readyMs = 0;
  port = 0;
  tlsPort = 0;
  compactPort = 0;
  wsPort = 0;
  wssPort = 0;
  /** Where HTTP is; empty when it is off. */
  httpUrl = '';
  /** Where the admin HTTP interface is; empty when it is off. */
  adminUrl = '';
  #child: ChildProcess | undefined;
  #exited: Promise<void> | undefined;
  readonly #readyTimeoutMs: number;
  readonly #command: readonly [string, ...string[]];

  private constructor(options: ServerOptions) {
    this.folder = mkdtempSync(join(options.folder ?? tmpdir(), 'rookery-e2e-'));
    this.configFile = join(this.folder, 'rookery.yaml');
    this.data = join(this.folder, 'data');
    this.#readyTimeoutMs = options.readyTimeoutMs ?? 20_000;
    const limit = `ulimit -n ${options.descriptors} && exec "$0" "$@"`;
    this.#command =
      options.descriptors === undefined
        ? [process.execPath]
        : ['/bin/sh', '-c', limit, process.execPath];
    const { xmpp, compact, websocket, limits, http, ...rest } = options.config ?? {};
    const config = {
      domain: this.domain,
      data: this.data,
      shards: 2,
      xmpp: { listen: ['127.0.0.1:0'], directTls: ['127.0.0.1:0'], starttls: 'optional', ...xmpp },
      compact: { listen: ['127.0.0.1:0'], ...compact },
      websocket: { listen: ['127.0.0.1:0'], directTls: ['127.0.0.1:0'], ...websocket },
      http: { listen: '127.0.0.1:0', ...http },
      limits: { ...roomy, ...limits },
      ...rest,
    };
    writeFileSync(this.configFile, stringify(config));
  }

  /** Makes the folder and the accounts, and starts the server. */
  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const server = new TestServer(options);
    try {
      if ((options.accounts ?? []).length > 0) await server.addAccounts(options.accounts ?? []);
      await options.beforeStart?.(server.data, server.configFile);
      await server.restart();
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  /** Runs `rookery …` with this server's configuration; returns what it printed. */
  async cli(...words: string[]): Promise<string> {
    const options = { maxBuffer: 64 << 20, cwd: this.folder };
    const result = await run(
      process.execPath,
      [main, ...words, '--config', this.configFile],
      options,
    );
    return result.stdout;
  }

  /** Accounts with the usual password, through `account import`. */
  async addAccounts(users: readonly string[]): Promise<void> {
    const file = join(this.folder, 'accounts.csv');
    writeFileSync(file, users.map((user) => `${user},${PASSWORD}\n`).join(''));
    await this.cli('account', 'import', file);
  }

  /** Starts the process (again) and waits for its `ready`. */
  async restart(): Promise<void> {
    const started = Date.now();
    const [program, ...words] = [...this.#command, main, 'start', '--config', this.configFile];
    const child = spawn(program, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.folder,
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    child.stderr?.on('data', (bytes: Buffer) => {
      this.log = (this.log + bytes.toString('utf8')).slice(-200_000);
    });
    this.readyLine = await this.#waitReady(child);
    this.readyMs = Date.now() - started;
    this.#parseReady();
  }

  #waitReady(child: ChildProcess): Promise<string> {
    return new Promise((resolve, reject) => {
      let printed = '';
      const timer = setTimeout(() => fail('was not ready in time'), this.#readyTimeoutMs);
      const fail = (what: string) => {
        clearTimeout(timer);
        reject(new Error(`the server ${what}\n${printed}\n${this.log.slice(-4000)}`));
      };
      child.once('exit', (code, signal) => fail(`ended (${code ?? signal}) before it was ready`));
      child.stdout?.on('data', (bytes: Buffer) => {
        printed = (printed + bytes.toString('utf8')).slice(-100_000);
        const line = /^ready.*$/mu.exec(printed);
        if (line === null || !printed.includes('\n', line.index)) return;
        clearTimeout(timer);
        resolve(line[0]);
      });
    });
  }

  // The line names the listeners: xmpp, xmpps, ws and wss, each with address and port.
  #parseReady(): void {
    const port = (protocol: string): number => {
      const found = new RegExp(`\\b${protocol}\\b[^,;]*?:(\\d+)`, 'u').exec(this.readyLine);
      return found === null ? 0 : Number(found[1]);
    };
    this.port = port('xmpp');
    this.tlsPort = port('xmpps');
    this.compactPort = port('compact');
    this.wsPort = port('ws');
    this.wssPort = port('wss');
    this.httpUrl = /\bhttp (http:\/\/[^\s,;]+)/u.exec(this.readyLine)?.[1] ?? '';
    this.adminUrl = /\badmin (http:\/\/[^\s,;]+)/u.exec(this.readyLine)?.[1] ?? '';
    if (this.port === 0) throw new Error(`no port of xmpp in: ${this.readyLine}`);
  }

  get endpoint(): Endpoint {
    return { domain: this.domain, host: '127.0.0.1', port: this.port, tlsPort: this.tlsPort };
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Whether the process runs. */
  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && !this.#child.signalCode;
  }

  async status(): Promise<ServerStatus> {
    return JSON.parse(await this.cli('status', '--json')) as ServerStatus;
  }

  /** The engine's counters, summed over the shards. */
  async counters(): Promise<Record<string, number>> {
    return (await callServer(this.data, serverStatus, {})).engine.counters;
  }

  /** One of them. */
  async counter(name: string): Promise<number> {
    return (await this.counters())[name] ?? Number.NaN;
  }

  /** Resident memory in bytes. */
  memoryBytes(): number {
    const text = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/u.exec(text)?.[1] ?? 0) * 1024;
  }

  /** CPU time of all threads so far, in seconds. */
  cpuSeconds(): number {
    const text = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** kill -9, and the end of the process. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM, and the end of the process; kill after ten seconds. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child?.kill('SIGTERM');
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), 10_000);
    await this.#exited;
    clearTimeout(timer);
  }

  /** Stops the process and takes the folder away. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
