// The TLS transports against clients that are programs of their own: Node's TLS, `openssl s_client`
// and `gnutls-cli`, talking over loopback to test/native/transport/tls_echo_server.cc.

import { strict as assert } from 'node:assert';
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { temporaryFolder } from '../helpers.js';

const TIMEOUT_MS = 20_000;

/** The newest build of the echo server, wherever the native tests were built. */
function echoServerPath(): string {
  const named = process.env.ROOKERY_TLS_ECHO_SERVER;
  if (named !== undefined) return named;
  const found = readdirSync('.')
    .filter((name) => name.startsWith('build'))
    .map((name) => join(name, 'tls_echo_server'))
    .filter((path) => existsSync(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  assert(found, 'tls_echo_server is not built: configure CMake with -DROOKERY_TESTS=ON');
  return found;
}

/** Resolves with the value, or rejects when it takes too long. */
function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} in time`)), TIMEOUT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A child process whose output can be waited for. */
class Program {
  readonly child: ChildProcessWithoutNullStreams;
  output = '';
  private searched = 0;

  constructor(command: string, args: string[]) {
    this.child = spawn(command, args, { stdio: 'pipe' });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('latin1').on('data', (text: string) => {
        this.output += text;
        this.child.emit('text');
      });
    }
    this.child.stdin.on('error', () => undefined);
  }

  /** The next match after the previous one. */
  async expect(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = this.output.slice(this.searched).match(pattern);
      if (match !== null) {
        this.searched += (match.index ?? 0) + match[0].length;
        return match;
      }
      const before = this.output;
      try {
        await inTime(once(this.child, 'text'), String(pattern));
      } catch (error) {
        throw new Error(`${String(error)}; it said:\n${before}`);
      }
    }
  }

  type(text: string): void {
    this.child.stdin.write(text);
  }

  async end(): Promise<void> {
    this.child.stdin.end();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await inTime(once(this.child, 'exit'), 'exit');
    }
  }
}

class EchoServer extends Program {
  port = 0;

  static async start(...options: string[]): Promise<EchoServer> {
    const server = new EchoServer(echoServerPath(), [certificate, key, ...options]);
    server.port = Number((await server.expect(/port (\d+)\n/))[1]);
    return server;
  }

  /** The line about the next connection that has ended. */
  async ended(): Promise<string> {
    return (await this.expect(/(.*)\n/))[1] ?? '';
  }
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Connects; the sessions that the server offers are added to `sessions`. */
async function connectNode(
  server: EchoServer,
  options: ConnectionOptions,
  sessions: Buffer[] = [],
): Promise<TLSSocket> {
  const socket = connect({
    port: server.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...options,
  });
  socket.on('session', (session) => sessions.push(session));
  await inTime(once(socket, 'secureConnect'), 'handshake');
  return socket;
}

/** Writes `data` in pieces of mixed sizes and reads the echo at the same time. */
async function echo(socket: TLSSocket, data: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [];
  let heard = 0;
  const all = new Promise<void>((resolve, reject) => {
    socket.on('data', (part: Buffer) => {
      parts.push(part);
      heard += part.length;
      if (heard >= data.length) resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after ${heard} bytes`)));
  });
  all.catch(() => undefined);
  for (let at = 0, size = 1; at < data.length; size = ((size * 7 + 3) % 50_000) + 1) {
    const part = data.subarray(at, at + size);
    at += part.length;
    if (!socket.write(part)) await inTime(once(socket, 'drain'), 'drain');
  }
  await inTime(all, 'echo');
  socket.removeAllListeners('close');
  return Buffer.concat(parts);
}

async function finish(socket: TLSSocket): Promise<void> {
  socket.end();
  await inTime(once(socket, 'close'), 'close');
}

const folder = temporaryFolder();
const certificate = join(folder.path, 'cert.pem');
const key = join(folder.path, 'key.pem');

describe('TLS with programs as clients', () => {
  let server: EchoServer;

  before(() => {
    const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2';
    const subject = ['-subj', '/CN=localhost', '-keyout', key, '-out', certificate];
    execFileSync('openssl', [...request.split(' '), ...subject], { stdio: 'ignore' });
  });
  after(() => folder.remove());
  afterEach(() => server.end());

  const kinds = [
    { name: 'TLS 1.3, taken over', version: 'TLSv1.3', options: [], end: 'taken-over' },
    { name: 'TLS 1.3, kept', version: 'TLSv1.3', options: ['--keep-ssl'], end: 'kept' },
    { name: 'TLS 1.2', version: 'TLSv1.2', options: [], end: 'kept' },
  ] as const;

  for (const { name, version, options, end } of kinds) {
    describe(`Node, ${name}`, () => {
      const versions = { minVersion: version, maxVersion: version } as const;

      it('moves 20 MB both ways, and closes in order', async () => {
        server = await EchoServer.start('--records-per-key', '300', ...options);
        const socket = await connectNode(server, versions);
        const data = randomBytes(20_000_000);
        assert.equal(sha256(await echo(socket, data)), sha256(data));
        await finish(socket);
        assert.equal(await server.ended(), `${version} ${end} closed ${data.length}`);
      });

      it('resumes a session', async () => {
        server = await EchoServer.start('--tickets', '2', ...options);
        const sessions: Buffer[] = [];
        const first = await connectNode(server, versions, sessions);
        await echo(first, Buffer.from('hello'));
        assert.equal(first.isSessionReused(), false);
        await finish(first);
        const [session] = sessions;
        assert(session);
        const second = await connectNode(server, { ...versions, session });
        assert.equal(second.isSessionReused(), true);
        assert.equal((await echo(second, Buffer.from('again'))).toString(), 'again');
        await finish(second);
      });

      it('accepts xmpp-client by ALPN, and does not mind other protocols', async () => {
        server = await EchoServer.start(...options);
        for (const [offered, chosen] of [
          [['xmpp-client'], 'xmpp-client'],
          [['h2', 'xmpp-client'], 'xmpp-client'],
          [['h2'], false],
        ] as const) {
          const socket = await connectNode(server, { ...versions, ALPNProtocols: [...offered] });
          assert.equal(socket.alpnProtocol, chosen);
          await finish(socket);
        }
      });
    });
  }

  for (const suite of ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']) {
    it(`Node with ${suite} only`, async () => {
      server = await EchoServer.start('--records-per-key', '50');
      const socket = await connectNode(server, { ciphers: suite, minVersion: 'TLSv1.3' });
      assert.equal(socket.getCipher().standardName, suite);
      const data = randomBytes(2_000_000);
      assert.equal(sha256(await echo(socket, data)), sha256(data));
      await finish(socket);
    });
  }

  it('refuses what is no TLS, and serves the next', async () => {
    server = await EchoServer.start();
    execFileSync('bash', [
      '-c',
      `printf 'GET / HTTP/1.0\\r\\n\\r\\n' > /dev/tcp/127.0.0.1/${server.port}`,
    ]);
    assert.equal(await server.ended(), 'none kept failed 0');
    const socket = await connectNode(server, {});
    assert.equal((await echo(socket, Buffer.from('next'))).toString(), 'next');
    await finish(socket);
  });

  for (const mode of [[], ['--keep-ssl']]) {
    const suffix = mode.length === 0 ? 'taken over' : 'kept';

    it(`openssl s_client updates keys, ${suffix}`, async () => {
      server = await EchoServer.start(...mode);
      const address = `127.0.0.1:${server.port}`;
      const client = new Program('openssl', ['s_client', '-connect', address, '-tls1_3']);
      await client.expect(/Verify return code/);
      for (let round = 0; round < 5; ++round) {
        client.type(`before ${round}\n`);
        await client.expect(new RegExp(`before ${round}\n`));
        client.type('K\n'); // Update mine and ask for yours.
        await client.expect(/KEYUPDATE/);
        client.type(`between ${round}\n`);
        await client.expect(new RegExp(`between ${round}\n`));
        client.type('k\n');
        await client.expect(/KEYUPDATE/);
        client.type(`after ${round}\n`);
        await client.expect(new RegExp(`after ${round}\n`));
      }
      client.type('Q\n');
      await client.end();
      assert.match(await server.ended(), /^TLSv1\.3 (taken-over|kept) closed /);
    });

    it(`openssl s_client resumes, ${suffix}`, async () => {
      server = await EchoServer.start('--tickets', '1', ...mode);
      const file = join(folder.path, `session-${suffix.replace(' ', '-')}`);
      for (const [flag, word] of [
        ['-sess_out', /New, TLSv1\.3/],
        ['-sess_in', /Reused, TLSv1\.3/],
      ] as const) {
        const address = `127.0.0.1:${server.port}`;
        const client = new Program('openssl', ['s_client', '-connect', address, flag, file]);
        await client.expect(word);
        client.type('hello\n');
        await client.expect(/hello\n/);
        client.type('Q\n');
        await client.end();
      }
    });

    it(`gnutls-cli rekeys, ${suffix}`, async () => {
      server = await EchoServer.start('--records-per-key', '3', ...mode);
      const client = new Program('gnutls-cli', [
        '--insecure',
        '--inline-commands',
        '--port',
        String(server.port),
        '127.0.0.1',
      ]);
      await client.expect(/Simple Client Mode/);
      for (let round = 0; round < 5; ++round) {
        client.type(`before ${round}\n`);
        await client.expect(new RegExp(`before ${round}\n`));
        client.type(round % 2 === 0 ? '^rekey^\n' : '^rekey1^\n');
        await client.expect(/Rekey was completed/);
        client.type(`after ${round}\n`);
        await client.expect(new RegExp(`after ${round}\n`));
      }
      await client.end();
      assert.match(await server.ended(), /^TLSv1\.3 (taken-over|kept) closed /);
    });

    it(`gnutls-cli resumes, ${suffix}`, async () => {
      server = await EchoServer.start('--tickets', '2', ...mode);
      const client = new Program('gnutls-cli', [
        '--insecure',
        '--resume',
        '--port',
        String(server.port),
        '127.0.0.1',
      ]);
      await client.expect(/This is a resumed session/);
      client.type('resumed\n');
      await client.expect(/resumed\n/);
      await client.end();
    });
  }
});
