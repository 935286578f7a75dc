// Real XMPP clients in processes of their own, driven by commands and heard by events; see
// test/e2e/clients.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestServer } from './server.js';

export type ClientKind = 'xmppjs' | 'slixmpp';
/** The last two are WebSockets, which only xmppjs speaks. */
export type ClientSecurity = 'starttls' | 'direct' | 'ws' | 'wss';

export interface ClientEvent {
  readonly event: string;
  readonly sender?: string;
  readonly body?: string;
  readonly delayed?: boolean;
  readonly contacts?: Record<string, string>;
  readonly [field: string]: unknown;
}

const folder = new URL('../clients', import.meta.url).pathname;
const TIMEOUT_MS = 15_000;

function portOf(server: TestServer, security: ClientSecurity): number {
  const { port, tlsPort, wsPort, wssPort } = server;
  return { starttls: port, direct: tlsPort, ws: wsPort, wss: wssPort }[security];
}

export class DrivenClient {
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #heard: ClientEvent[] = [];
  readonly #exited: Promise<void>;
  #wake: (() => void) | undefined;
  #complaints = '';

  constructor(
    kind: ClientKind,
    server: TestServer,
    user: string,
    password: string,
    security: ClientSecurity,
    port = portOf(server, security),
  ) {
    this.address = `${user}@${server.domain}`;
    const words = [this.address, password, 'localhost', String(port), security];
    const certificate = `${server.data}/tls/cert.pem`;
    this.#child =
      kind === 'xmppjs'
        ? spawn(process.execPath, [`${folder}/xmppjs-client.mjs`, ...words], {
            env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
          })
        : spawn('/usr/bin/python3', [`${folder}/slixmpp_client.py`, ...words]);
    this.#exited = new Promise((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      this.#complaints = (this.#complaints + bytes.toString('utf8')).slice(-3000);
    });
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      this.#heard.push(JSON.parse(line) as ClientEvent);
      this.#wake?.();
    });
  }

  tell(command: Readonly<Record<string, string>>): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** The next event of that kind; earlier events of other kinds stay to be asked for. */
  async hear(event: string): Promise<ClientEvent> {
    const deadline = Date.now() + TIMEOUT_MS;
    while (true) {
      const at = this.#heard.findIndex((heard) => heard.event === event);
      if (at >= 0) return this.#heard.splice(at, 1)[0] as ClientEvent;
      const left = deadline - Date.now();
      if (left <= 0 || this.#child.exitCode !== null) {
        const rest = JSON.stringify(this.#heard);
        throw new Error(`${this.address} heard no "${event}": ${rest}\n${this.#complaints}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 200));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Events of that kind that nobody asked for. */
  left(event: string): readonly ClientEvent[] {
    return this.#heard.filter((heard) => heard.event === event);
  }

  /** Logs out and ends the process. */
  async quit(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.tell({ do: 'quit' });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 4000);
    await this.#exited;
    clearTimeout(timer);
  }
}
