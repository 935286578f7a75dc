// The HTTP interface on both of its transports: what it takes, and what it refuses before it costs
// anything.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createLogger } from '../../src/base/log.js';
import { configFromObject } from '../../src/config/load.js';
import { chatPolicy } from '../../src/http/page-policy.js';
import { Problem } from '../../src/http/problem.js';
import { route } from '../../src/http/route.js';
import { HttpServer } from '../../src/http/server.js';
import { StaticFiles } from '../../src/http/static-files.js';
import { type LoadedUws, loadUws } from '../../src/http/uws.js';
import { dribble, http } from '../e2e/support/http-client.js';
import { temporaryFolder } from '../helpers.js';

const transports: Record<string, () => LoadedUws> = {
  uWebSockets: loadUws,
  'node:http': () => ({ problem: 'the test wants it so' }),
};
const routes = [
  route({
    method: 'POST',
    path: '/api/echo/{word}',
    operation: 'echo',
    summary: 'Says it again',
    body: z.strictObject({ text: z.string().max(12_000) }),
    params: z.strictObject({ word: z.string().max(5) }),
    responses: { 200: { description: 'It.' } },
    handle: async ({ body, params, address, host, token }) => ({
      status: 200,
      body: { ...body, ...params, address, host, token },
    }),
  }),
  route({
    method: 'DELETE',
    path: '/api/echo/{word}',
    operation: 'hush',
    summary: 'Says nothing',
    responses: { 204: { description: 'Nothing.' } },
    handle: async () => ({ status: 204 }),
  }),
  route({
    method: 'GET',
    path: '/api/fail',
    operation: 'fail',
    summary: 'Fails',
    responses: { 200: { description: 'Never.' } },
    handle: async () => {
      throw new Error('a secret of the inside');
    },
  }),
  route({
    method: 'GET',
    path: '/api/wait',
    operation: 'wait',
    summary: 'Waits',
    responses: { 429: { description: 'Later.' } },
    handle: async () => {
      throw new Problem(429, 'too-many-requests', { retryAfterSeconds: 7 });
    },
  }),
];
const SCRIPT = 'x'.repeat(3_000_000);

for (const [name, load] of Object.entries(transports)) {
  describe(`HTTP on ${name}`, function () {
    this.timeout(40_000);
    const folder = temporaryFolder();
    let server: HttpServer;
    let base: string;

    before(async () => {
      mkdirSync(join(folder.path, 'assets'));
      writeFileSync(join(folder.path, 'index.html'), '<!doctype html><title>page</title>');
      writeFileSync(join(folder.path, 'assets', 'chat-3F9A2C41.js'), SCRIPT);
      const { http: config } = configFromObject({
        http: {
          listen: '127.0.0.1:0',
          allowedOrigins: ['https://app.example.org'],
          trustedProxies: ['127.0.0.9'],
          maxRequestsPerAddress: 20,
        },
      });
      const files = new StaticFiles({
        folder: folder.path,
        policy: () => chatPolicy(['ws://here:1/']),
        missing: 'There is no page.',
      });
      const log = createLogger({ level: 'fatal', format: 'text' });
      server = new HttpServer({ name: 'http', config, routes, files, log }, load());
      const { address, port } = await server.start();
      base = `http://${address}:${port}`;
    });
    after(async () => {
      await server.stop();
      folder.remove();
    });

    const echo = (body: unknown, options = {}) =>
      http(base, 'POST', '/api/echo/hello', { body, ...options });
    const typeOf = (answer: { json: Record<string, unknown> }): string =>
      String(answer.json.type).replace('urn:rookery:problem:', '');

    it('hands a request over as its route wants it', async () => {
      const answer = await echo({ text: 'grüß dich' }, { token: 'abc' });
      assert.equal(answer.status, 200);
      const host = '127.0.0.1';
      assert.deepEqual(answer.json, {
        text: 'grüß dich',
        word: 'hello',
        address: host,
        host,
        token: 'abc',
      });
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      const empty = await http(base, 'DELETE', '/api/echo/hello');
      assert.deepEqual([empty.status, empty.text], [204, '']);
      assert.equal(empty.headers['content-length'], undefined);
    });

    it('says what is wrong, and where', async () => {
      const answer = await http(base, 'POST', '/api/echo/hello', { body: { text: 1, more: 2 } });
      assert.equal(answer.status, 400);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      const errors = answer.json.errors as { pointer: string }[];
      assert.deepEqual(errors.map(({ pointer }) => pointer).sort(), ['#/more', '#/text']);
      const long = await http(base, 'POST', '/api/echo/hello-hello', { body: { text: '' } });
      assert.equal(long.status, 400);
    });

    it('refuses what is no JSON', async () => {
      const raw = async (text: string | Buffer, headers = {}) =>
        await http(base, 'POST', '/api/echo/hello', { raw: text, headers });
      for (const text of ['', '{', 'null', '[]', '"x"', Buffer.from([0x22, 0xff, 0x22])]) {
        const answer = await raw(text);
        assert.deepEqual([answer.status, typeOf(answer)], [400, 'bad-request'], String(text));
      }
      const hidden = await raw('{"__proto__":{"text":"x"},"text":"y"}');
      assert.equal(hidden.status, 400);
      const types = ['text/plain', 'application/x-www-form-urlencoded', '', 'application/jsonp'];
      for (const type of types) {
        const answer = await raw('{"text":"x"}', { 'content-type': type });
        assert.deepEqual([answer.status, typeOf(answer)], [415, 'wrong-media-type'], type);
      }
      const charset = { 'content-type': 'application/json; charset=utf-8' };
      assert.equal((await raw('{"text":"x"}', charset)).status, 200);
    });

    it('refuses a body that is too large: by its length, and while it comes', async () => {
      const headers = [
        'POST /api/echo/hello HTTP/1.1',
        'Host: x',
        'Content-Type: application/json',
      ];
      const declared = await dribble(
        base,
        [`${[...headers, 'Content-Length: 999999999'].join('\r\n')}\r\n\r\n`],
        10,
      );
      assert.match(declared.text, /^HTTP\/1\.1 413 /u);
      assert.ok(declared.milliseconds < 2000);
      const piece = `1000\r\n${'x'.repeat(4096)}\r\n`;
      const chunked = `${[...headers, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n`;
      const streamed = await dribble(base, [chunked, ...Array<string>(50).fill(piece)], 5);
      assert.match(streamed.text, /^HTTP\/1\.1 413 /u);
      assert.ok(streamed.milliseconds < 3000);
    });

    it('waits for nobody for long', async () => {
      const head = 'POST /api/echo/hello HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
      const slowly = Array<string>(60).fill('x');
      const [body, headers, silent] = await Promise.all([
        dribble(base, [`${head}Content-Length: 100\r\n\r\n`, ...slowly], 500),
        dribble(base, [head, ...slowly], 500),
        dribble(base, ['G'], 500),
      ]);
      assert.match(body.text, /^HTTP\/1\.1 408 [\s\S]*too-slow/u);
      assert.ok(body.milliseconds < 12_000, `${body.milliseconds}`);
      assert.ok(headers.milliseconds < 20_000, `${headers.milliseconds}`);
      assert.ok(silent.milliseconds < 20_000, `${silent.milliseconds}`);
      assert.equal(server.stats().depth, 0);
    });

    it('answers what no route takes', async () => {
      assert.equal((await http(base, 'GET', '/api/nothing')).status, 404);
      const method = await http(base, 'PUT', '/api/echo/hello', { body: {} });
      assert.equal(method.status, 405);
      assert.equal(method.headers.allow, 'POST, DELETE');
      const failed = await http(base, 'GET', '/api/fail');
      assert.deepEqual([failed.status, typeOf(failed)], [500, 'internal-error']);
      assert.ok(!failed.text.includes('secret'));
      const later = await http(base, 'GET', '/api/wait');
      assert.deepEqual([later.status, later.headers['retry-after']], [429, '7']);
    });

    it('lets an address have so many requests at a time, and others theirs', async () => {
      const head = 'POST /api/echo/hello HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
      const slow = [`${head}Content-Length: 100\r\n\r\n`];
      const held = Array.from({ length: 20 }, () => dribble(base, slow, 1000));
      await new Promise((wake) => setTimeout(wake, 500));
      const refused = await echo({ text: 'x' });
      assert.deepEqual([refused.status, typeOf(refused)], [429, 'too-many-requests']);
      assert.equal((await echo({ text: 'x' }, { from: '127.0.0.2' })).status, 200);
      for (const { text } of await Promise.all(held)) assert.match(text, /^HTTP\/1\.1 408/u);
      assert.equal((await echo({ text: 'x' })).status, 200);
    });

    it('believes a proxy that it trusts, and nobody else', async () => {
      const headers = { 'x-forwarded-for': '10.9.9.9, 203.0.113.7' };
      const plain = await echo({ text: 'x' }, { headers });
      assert.equal(plain.json.address, '127.0.0.1');
      const proxied = await echo({ text: 'x' }, { headers, from: '127.0.0.9' });
      assert.equal(proxied.json.address, '203.0.113.7');
    });

    it('shares with other origins only what it was told to', async () => {
      const ask = (origin: string) =>
        http(base, 'OPTIONS', '/api/echo/hello', { headers: { origin } });
      const good = await ask('https://app.example.org');
      assert.equal(good.status, 204);
      assert.equal(good.headers['access-control-allow-origin'], 'https://app.example.org');
      assert.equal(good.headers['access-control-allow-methods'], 'OPTIONS, POST, DELETE');
      const bad = await ask('https://evil.example.org');
      assert.equal(bad.headers['access-control-allow-origin'], undefined);
    });

    it('serves the page’s files, and no others', async () => {
      const page = await http(base, 'GET', '/');
      assert.equal(page.status, 200);
      assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
      assert.match(
        String(page.headers['content-security-policy']),
        /default-src 'none'.*connect-src 'self' ws:\/\/here:1\//u,
      );
      assert.equal(page.headers['cache-control'], 'no-cache');
      const tag = String(page.headers.etag);
      const again = await http(base, 'GET', '/', { headers: { 'if-none-match': tag } });
      assert.deepEqual([again.status, again.text], [304, '']);
      const script = await http(base, 'GET', '/assets/chat-3F9A2C41.js');
      assert.equal(script.text, SCRIPT);
      assert.match(String(script.headers['cache-control']), /immutable/u);
      const head = await http(base, 'HEAD', '/assets/chat-3F9A2C41.js');
      assert.deepEqual([head.status, head.text], [200, '']);
      assert.equal(head.headers['content-length'], String(SCRIPT.length));
      for (const path of ['/../package.json', '/%2e%2e/package.json', '/assets', '/x']) {
        assert.equal((await http(base, 'GET', path)).status, 404, path);
      }
      assert.equal((await http(base, 'POST', '/', { body: {} })).status, 405);
    });
  });
}
