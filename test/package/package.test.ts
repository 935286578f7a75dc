// The package as a stranger gets it: packed, installed into another project without running any
// install script, type-checked there, started there, and connected to.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../', import.meta.url));

function run(folder: string, program: string, ...args: string[]): string {
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  });
}

/** The first bytes that the server says to a client's stream header. */
function greet(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " +
          "to='localhost' version='1.0'>",
      );
    });
    let heard = '';
    socket.setTimeout(5000, () => socket.destroy(new Error(`only heard: ${heard}`)));
    socket.on('data', (chunk) => {
      heard += chunk;
      if (!heard.includes('</stream:features>')) return;
      socket.destroy();
      resolve(heard);
    });
    socket.on('error', reject);
  });
}

/** Starts the installed command line; resolves with its `ready` line, and how to end it. */
async function startInstalled(
  project: string,
): Promise<{ ready: string; stop(): Promise<number> }> {
  const child = spawn(
    process.execPath,
    ['node_modules/.bin/rookery', 'start', '--config', 'rookery.yaml'],
    { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code) => resolve(code ?? -1));
  });
  const ready = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      output += chunk;
      const line = /^ready .*$/m.exec(output);
      if (line) resolve(line[0]);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    ended.then((code) => reject(new Error(`ended with ${code}:\n${output}`)), reject);
    setTimeout(() => reject(new Error(`not ready after 20 s:\n${output}`)), 20_000).unref();
  }).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    ready,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

describe('the package', function () {
  this.timeout(600_000);
  let project = '';

  before(() => {
    project = mkdtempSync(join(tmpdir(), 'rookery-package-'));
    const packed = join(project, 'packed');
    mkdirSync(packed);
    run(checkout, 'npm', 'pack', '--pack-destination', packed);
    const [tarball = ''] = readdirSync(packed);
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({ name: 'stranger', version: '1.0.0', type: 'module', private: true }),
    );
    run(
      project,
      'npm',
      ...['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'],
      `./packed/${tarball}`,
    );
  });

  after(() => {
    rmSync(project, { recursive: true, force: true });
  });

  it('carries what runs and nothing of the tests', () => {
    const installed = join(project, 'node_modules', 'rookery');
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    const addon = `prebuilds/rookery-${process.platform}-${process.arch}/node-napi-v8.node`;
    for (const wanted of [addon, 'dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js']) {
      assert(files.includes(wanted), `no ${wanted}`);
    }
    const unwanted = files.filter((path) => /^(test|src|build|\.cache|data)/.test(path));
    assert.deepEqual(unwanted, []);
  });

  it('is typed', () => {
    writeFileSync(
      join(project, 'typed.ts'),
      "import { createServer } from 'rookery';\n" +
        'export const create: (...args: never[]) => unknown = createServer;\n' +
        '// @ts-expect-error: it is a function\n' +
        'export const wrong: number = createServer;\n',
    );
    run(
      project,
      process.execPath,
      join(checkout, 'node_modules/typescript/bin/tsc'),
      ...['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck'],
      ...['--typeRoots', join(checkout, 'node_modules/@types'), 'typed.ts'],
    );
  });

  it('can be imported', () => {
    const program = "import { createServer } from 'rookery'; console.log(typeof createServer);";
    const said = run(project, process.execPath, '--input-type=module', '--eval', program);
    assert.equal(said.trim(), 'function');
  });

  it('starts, serves and stops where it was installed', async () => {
    writeFileSync(
      join(project, 'rookery.yaml'),
      'domain: localhost\ndata: data\nshards: 2\n' +
        'xmpp:\n  listen: ["127.0.0.1:0"]\n  directTls: ["127.0.0.1:0"]\n' +
        'compact:\n  listen: ["127.0.0.1:0"]\n' +
        'websocket:\n  listen: ["127.0.0.1:0"]\n  directTls: ["127.0.0.1:0"]\n' +
        'http:\n  listen: 127.0.0.1:0\n',
    );
    const server = await startInstalled(project);
    try {
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(server.ready)?.[1]);
      assert.match(await greet(port), /<starttls /);
    } finally {
      assert.equal(await server.stop(), 0);
    }
  });
});
