// `rookery bench` against an independent count: the server's own counters, /proc, and a proxy that
// loses, doubles and swaps messages and knows how many.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { accountNames } from '../bench/common/driver.js';
import { TestServer } from './support/server.js';

const run = promisify(execFile);
const main = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const LOSE_EVERY = 50;
const DOUBLE_EVERY = 70;
const SWAP_EVERY = 90;

interface Figures {
  readonly sent: number;
  readonly arrived: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly disordered: number;
  readonly foreign: number;
  readonly messagesPerSecond: number;
  readonly cpuPercent: number;
  readonly cpuUsPerMessage: number;
  readonly latencyUs: { readonly count: number; readonly p50: number; readonly p99: number };
}

/** Passes everything on, except for what it does to messages on their way to the clients. */
class FaultyProxy {
  readonly injected = { lost: 0, duplicates: 0, disordered: 0 };
  #messages = 0;
  readonly #held = new Map<Socket, string>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(private readonly target: number) {
    this.#server = createServer((client) => this.#serve(client));
  }

  static async start(target: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** What is held back to the end was never swapped but lost. */
  conclude(): typeof this.injected {
    const { lost, duplicates, disordered } = this.injected;
    const held = this.#held.size;
    return { lost: lost + held, duplicates, disordered: disordered - held };
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setEncoding('utf8');
      socket.on('error', () => socket.destroy());
    }
    client.on('data', (text) => server.write(text));
    client.on('close', () => server.end());
    server.on('close', () => client.end());
    let pending = '';
    server.on('data', (text) => {
      pending += text;
      for (;;) {
        const start = pending.indexOf('<message');
        const end = pending.indexOf('</message>');
        if (start < 0 || end < 0) break;
        const after = end + '</message>'.length;
        client.write(pending.slice(0, start) + this.#treat(client, pending.slice(start, after)));
        pending = pending.slice(after);
      }
      if (pending.includes('<message')) return;
      client.write(pending);
      pending = '';
    });
  }

  #treat(client: Socket, message: string): string {
    const held = this.#held.get(client) ?? '';
    this.#held.delete(client);
    this.#messages += 1;
    if (this.#messages % LOSE_EVERY === 0) {
      this.injected.lost += 1;
      if (held !== '') this.#held.set(client, held);
      return '';
    }
    if (this.#messages % DOUBLE_EVERY === 0) {
      this.injected.duplicates += 1;
      return message + message + held;
    }
    if (held === '' && this.#messages % SWAP_EVERY === 0) {
      this.injected.disordered += 1;
      this.#held.set(client, message);
      return '';
    }
    return message + held;
  }
}

describe('rookery bench', function () {
  this.timeout(90_000);
  let server: TestServer;

  before(async () => {
    server = await TestServer.start({ accounts: accountNames(40) });
  });
  after(async () => {
    await server.remove();
  });

  async function bench(...words: string[]): Promise<{ figures: Figures; code: number }> {
    const options = ['--config', server.configFile, '--json'];
    try {
      const { stdout } = await run(process.execPath, [main, 'bench', ...words, ...options]);
      return { figures: JSON.parse(stdout) as Figures, code: 0 };
    } catch (error) {
      const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number };
      assert.ok(stdout.startsWith('{'), stderr);
      return { figures: JSON.parse(stdout) as Figures, code };
    }
  }
  const address = () => ['--server', `127.0.0.1:${server.port}`, '--pid', String(server.pid)];
  const within = (share: number, value: number, expected: number, what: string) =>
    assert.ok(Math.abs(value - expected) <= share * expected, `${what}: ${value}, ${expected}`);

  it('agrees with the server’s counters and with /proc', async () => {
    const cpuBefore = server.cpuSeconds();
    const before = await server.counter('messages_in');
    const { figures, code } = await bench(
      ...['chat', '--pairs', '10', '--seconds', '4', ...address()],
    );
    const messages = (await server.counter('messages_in')) - before;
    const cpu = server.cpuSeconds() - cpuBefore;
    assert.equal(code, 0);
    assert.equal(figures.arrived, figures.sent);
    assert.equal(messages, figures.sent, 'the server counted as many messages');
    // The process's CPU, counted in ticks around everything: warming up and logins are in it.
    within(0.1, (figures.cpuUsPerMessage * figures.sent) / 1e6, cpu, 'CPU seconds');
  });

  it('keeps the rate of an open loop, from the intended time', async () => {
    const words = ['open', '--pairs', '10', '--rate', '500', '--seconds', '4', ...address()];
    const { figures, code } = await bench(...words);
    assert.equal(code, 0);
    within(0.1, figures.messagesPerSecond, 500, 'messages a second');
    within(0.1, figures.latencyUs.count, 2000, 'latencies');
  });

  it('reports loss, duplicates and disorder exactly, and fails', async () => {
    const proxy = await FaultyProxy.start(server.port);
    try {
      const words = ['open', '--pairs', '10', '--rate', '800', '--seconds', '4'];
      const { figures, code } = await bench(...words, '--server', `127.0.0.1:${proxy.port}`);
      const { lost, duplicates, disordered, foreign } = figures;
      assert.ok(lost > 50 && duplicates > 30 && disordered > 20, JSON.stringify(figures));
      assert.deepEqual({ lost, duplicates, disordered }, proxy.conclude());
      assert.equal(foreign, 0);
      assert.equal(code, 1);
    } finally {
      proxy.close();
    }
  });

  it('makes accounts for a run, with devices, and deletes them', async () => {
    const accounts = async () => (await server.cli('account', 'list')).split('\n').length;
    const before = await accounts();
    const words = ['chat', '--pairs', '5', '--seconds', '1', '--make-accounts'];
    const compact = ['--protocol', 'compact', '--server', `127.0.0.1:${server.compactPort}`];
    const { figures, code } = await bench(...words, ...compact);
    assert.equal(code, 0);
    assert.ok(figures.arrived > 10 && figures.lost === 0);
    assert.equal(await accounts(), before);
  });
});
