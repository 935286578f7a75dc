// Live answers on both transports, as lines and as WebSockets: they come, they end when the token
// does, and who does not read costs nothing but is told.

import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { createLogger } from '../../src/base/log.js';
import { Problem } from '../../src/http/problem.js';
import type { Route } from '../../src/http/route.js';
import { HttpServer } from '../../src/http/server.js';
import { type LoadedUws, loadUws } from '../../src/http/uws.js';
import type { OperationContext } from '../../src/operations/context.js';
import { streamRoute } from '../../src/operations/routes.js';
import { stream } from '../../src/operations/stream.js';
import { http } from '../e2e/support/http-client.js';

const transports: Record<string, () => LoadedUws> = {
  uWebSockets: loadUws,
  'node:http': () => ({ problem: 'the test wants it so' }),
};

for (const [name, load] of Object.entries(transports)) {
  describe(`streams on ${name}`, function () {
    this.timeout(40_000);
    let server: HttpServer;
    let base: string;
    let send: (item: object) => void = () => undefined;
    let begun = 0;
    let stopped = 0;
    const tokens = new Set(['good', 'brief']);

    const asked = stream({
      name: 'test stream',
      summary: 'Sends what the test wants',
      role: 'viewer',
      input: z.strictObject({ first: z.int().default(0) }),
      item: z.looseObject({}),
      open(_context, { first }, out) {
        begun++;
        out.send({ first });
        send = (item) => out.send(item);
        return () => void stopped++;
      },
    });
    const route: Route = streamRoute(asked, ({ token }) => {
      if (!tokens.has(token)) throw new Problem(401, 'unauthorized', { rule: 'token-unknown' });
      return { caller: { name: token, role: 'viewer', via: 'http' } } as OperationContext;
    });

    before(async () => {
      const config = {
        listen: '127.0.0.1:0',
        trustedProxies: [],
        allowedOrigins: [],
        maxRequests: 4,
        maxRequestsPerAddress: 4,
      };
      const log = createLogger({ level: 'fatal', format: 'text' });
      server = new HttpServer({ name: 'test', config, routes: [route], log }, load());
      const { address, port } = await server.start();
      base = `http://${address}:${port}`;
    });
    after(() => server.stop());
    beforeEach(() => {
      tokens.add('brief');
      begun = 0;
      stopped = 0;
    });

    async function until(condition: () => boolean): Promise<void> {
      const deadline = Date.now() + 15_000;
      while (!condition() && Date.now() < deadline) await sleep(10);
      assert.ok(condition());
    }

    function openLines(query = '', token = 'good'): Promise<IncomingMessage> {
      const headers = { authorization: `Bearer ${token}` };
      return new Promise((resolve, reject) => {
        const url = new URL(`/api/v1/test/stream${query}`, base);
        get(url, { agent: false, headers }, resolve).on('error', reject);
      });
    }

    function openSocket(token: string, query = ''): WebSocket {
      const url = `${base.replace('http', 'ws')}/api/v1/test/stream${query}`;
      return new WebSocket(url, ['rookery', `bearer.${token}`]);
    }

    it('sends lines as they come, and stops when nobody reads on', async () => {
      const answer = await openLines('?first=7');
      assert.equal(answer.headers['content-type'], 'application/x-ndjson');
      const lines: string[] = [];
      createInterface({ input: answer }).on('line', (line) => lines.push(line));
      await until(() => lines.length === 1);
      send({ second: true });
      await until(() => lines.length === 2);
      assert.deepEqual(lines, ['{"first":7}', '{"second":true}']);
      answer.destroy();
      await until(() => stopped === 1 && server.stats().depth === 0);
    });

    it('sends messages to a WebSocket, whose token is a protocol', async () => {
      const socket = openSocket('good', '?first=8');
      const messages: string[] = [];
      socket.on('message', (message) => messages.push(String(message)));
      await until(() => messages.length === 1);
      assert.equal(socket.protocol, 'rookery');
      send({ second: true });
      await until(() => messages.length === 2);
      assert.deepEqual(messages, ['{"first":8}', '{"second":true}']);
      assert.equal(server.stats().depth, 1);
      socket.close();
      await until(() => stopped === 1 && server.stats().depth === 0);
    });

    it('refuses before it begins', async () => {
      const refused = await http(base, 'GET', '/api/v1/test/stream', { token: 'bad' });
      assert.deepEqual([refused.status, refused.json.rule], [401, 'token-unknown']);
      const wrong = await http(base, 'GET', '/api/v1/test/stream?first=x', { token: 'good' });
      assert.deepEqual([wrong.status, wrong.json.rule], [400, 'schema']);
      for (const socket of [openSocket('bad'), openSocket('good', '?first=x')]) {
        const status = await new Promise<number>((resolve, reject) => {
          socket.on('unexpected-response', (_request, answer) => resolve(answer.statusCode ?? 0));
          socket.on('open', () => reject(new Error('it was let in')));
          socket.on('error', () => undefined);
        });
        assert.ok(status === 401 || status === 400);
      }
      assert.equal(begun, 0);
      assert.equal(server.stats().depth, 0);
    });

    it('ends when its token does, and says meanwhile that it lives', async () => {
      const answer = await openLines('', 'brief');
      const socket = openSocket('brief');
      const lines: string[] = [];
      const messages: string[] = [];
      let isOver = false;
      let isClosed = false;
      createInterface({ input: answer }).on('line', (line) => lines.push(line));
      answer.on('end', () => {
        isOver = true;
      });
      socket.on('message', (message) => messages.push(String(message)));
      socket.on('close', () => {
        isClosed = true;
      });
      await until(() => lines.includes('{}') && messages.includes('{}'));
      assert.equal(isOver || isClosed, false);
      tokens.delete('brief');
      await until(() => isOver && isClosed);
      await until(() => stopped === 2 && server.stats().depth === 0);
    });

    it('keeps little for who does not read, and says how much was left out', async () => {
      const answer = await openLines();
      answer.pause();
      await until(() => begun === 1);
      const before = process.memoryUsage().arrayBuffers;
      const item = { padding: 'x'.repeat(100_000) };
      for (let at = 0; at < 3000; at++) {
        send(item);
        if (at % 50 === 0) await sleep(1);
      }
      assert.ok(process.memoryUsage().arrayBuffers - before < 50_000_000);
      const lines: string[] = [];
      createInterface({ input: answer }).on('line', (line) => lines.push(line));
      answer.resume();
      await sleep(200);
      send({ last: true });
      await until(() => lines.at(-1) === '{"last":true}');
      const missed = lines.filter((line) => line.startsWith('{"missed":'));
      const left = missed.map((line) => (JSON.parse(line) as { missed: number }).missed);
      const sum = left.reduce((total, count) => total + count, 0);
      assert.ok(sum > 2000);
      // First, items, gaps that were told, last: together they are everything.
      const items = lines.filter((line) => line.startsWith('{"padding":')).length;
      assert.equal(items + sum, 3000);
      answer.destroy();
      await until(() => server.stats().depth === 0);
    });

    it('lets only so many be open at a time', async () => {
      const open = await Promise.all([openLines(), openLines(), openLines()]);
      const socket = openSocket('good');
      await new Promise((resolve) => socket.on('open', resolve));
      const fifth = await http(base, 'GET', '/api/v1/test/stream', { token: 'good' });
      assert.deepEqual([fifth.status, fifth.json.rule], [429, 'requests-per-address']);
      for (const answer of open) answer.destroy();
      socket.terminate();
      await until(() => server.stats().depth === 0);
    });
  });
}
