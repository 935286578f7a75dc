// The registry: each operation is whole, can be asked for in every way, and refuses by a rule that
// has a name.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { z } from 'zod';
import { createLogger } from '../../src/base/log.js';
import { HttpServer } from '../../src/http/server.js';
import { accountWrite } from '../../src/operations/account-operations.js';
import { confirmFields, confirmWords } from '../../src/operations/confirm.js';
import type { Caller, OperationContext, RunningServer } from '../../src/operations/context.js';
import { operationPath } from '../../src/operations/operation.js';
import { operations } from '../../src/operations/registry.js';
import { operationId, registryRoutes } from '../../src/operations/routes.js';
import { accountsToJson } from '../../src/services/account-wire.js';
import { AdminTokens } from '../../src/services/admin-tokens.js';
import type { Effect } from '../../src/services/effects.js';
import { deriveCredentials } from '../../src/services/scram.js';
import { http } from '../e2e/support/http-client.js';
import { TestServices } from '../helpers.js';

const log = createLogger({ level: 'fatal', format: 'text' });

describe('operations', () => {
  it('have one or two words, each once, and input that queries and options can carry', () => {
    const paths = operations.map(operationPath);
    assert.equal(new Set(paths).size, paths.length);
    const ids = operations.map(({ name }) => operationId(name));
    assert.equal(new Set(ids).size, ids.length);
    for (const { name, summary, input, look, confirm, changes } of operations) {
      assert.match(name, /^[a-z][a-z-]*(?: [a-z][a-z-]*)?$/u);
      assert.match(summary, /^[A-Z].*[^.]$/u, name);
      for (const field of look?.arguments ?? []) assert.ok(field in input.shape, name);
      for (const field of confirmFields(confirm ?? '')) {
        assert.ok(field in input.shape, `${name} asks about ${field}`);
      }
      if (confirm !== undefined) assert.ok(changes, name);
      // What is not known is refused, not ignored.
      const strange = input.safeParse({ 'no-such-field': 1 });
      assert.ok(
        strange.error?.issues.some(({ code }) => code === 'unrecognized_keys'),
        name,
      );
    }
  });

  it('ask with what was given, and leave out what was not', () => {
    const { confirm = '' } = operations.find(({ name }) => name === 'kick') ?? {};
    assert.match(confirmWords(confirm, { user: 'ann', resource: 'phone' }), / ann\/phone\?/u);
    assert.match(confirmWords(confirm, { user: 'ann', resource: '' }), / ann\?/u);
    assert.match(confirmWords(confirm, { user: 'ann' }), / ann\?/u);
  });

  it('can all be documented', () => {
    for (const { input, output } of operations) {
      z.toJSONSchema(input, { io: 'input' });
      z.toJSONSchema(output, { io: 'output' });
    }
  });
});

describe('operations over HTTP', () => {
  const test = new TestServices();
  const told: Effect[] = [];
  const tokens = AdminTokens.open(test.services);
  let caller: Caller;
  let server: HttpServer;
  let base: string;

  before(async () => {
    const contextOf = (): OperationContext => ({
      caller,
      services: test.services,
      tokens,
      apply: async (effects) => void told.push(...effects),
      // Accounts and devices ask it for nothing but its log.
      server: { log } as RunningServer,
    });
    server = new HttpServer({
      name: 'admin',
      config: {
        listen: '127.0.0.1:0',
        trustedProxies: [],
        allowedOrigins: [],
        maxRequests: 10,
        maxRequestsPerAddress: 10,
      },
      routes: registryRoutes(contextOf),
      log,
    });
    const { address, port } = await server.start();
    base = `http://${address}:${port}`;
    await test.addUsers('ann', 'bob', 'carol');
  });
  after(async () => {
    await server.stop();
    await test.close();
  });
  beforeEach(() => {
    caller = { name: 'test', role: 'admin', via: 'http' };
    told.length = 0;
  });

  it('GET takes its input from the query, in the types that it wants', async () => {
    const first = await http(base, 'GET', '/api/v1/account/list?limit=2');
    assert.deepEqual(first.json, { users: ['ann', 'bob'], next: 'bob' });
    const rest = await http(base, 'GET', '/api/v1/account/list?after=bob');
    assert.deepEqual(rest.json, { users: ['carol'], next: '' });
    for (const query of ['limit=0', 'limit=many', 'limit=1.5', 'depth=3', '__proto__=1']) {
      const bad = await http(base, 'GET', `/api/v1/account/list?${query}`);
      assert.deepEqual([bad.status, bad.json.rule], [400, 'schema'], query);
    }
  });

  it('POST takes it from the body, and tells the engine', async () => {
    const credentials = await deriveCredentials('pw', 4096);
    const body = { mode: 'add', entries: accountsToJson([{ user: 'dora', credentials }]) };
    const made = await http(base, 'POST', operationPath(accountWrite), { body });
    assert.deepEqual(made.json, { outcomes: ['added'] });
    assert.deepEqual(told, [{ kind: 'RefreshAccount', user: 'dora' }]);
    const wrong = await http(base, 'GET', operationPath(accountWrite));
    assert.equal(wrong.status, 405);
  });

  it('refuses by a rule with a name', async () => {
    const remove = (user: string) =>
      http(base, 'POST', '/api/v1/account/delete', { body: { user } });
    const gone = await remove('nobody@example.org');
    assert.deepEqual([gone.status, gone.json.rule], [404, 'account-exists']);
    const name = await remove('a b');
    assert.deepEqual([name.status, name.json.rule], [400, 'user-name']);
    assert.match(String(name.json.advice), /alice@example\.org/u);
    caller = { name: 'guest', role: 'viewer', via: 'http' };
    const role = await remove('ann');
    assert.deepEqual([role.status, role.json.rule], [403, 'role-admin']);
    assert.match(String(role.json.detail), /guest is viewer/u);
    assert.equal(test.services.accounts.exists('ann'), true);
    const path = await http(base, 'GET', '/api/v1/no/such');
    assert.deepEqual([path.status, path.json.rule], [404, 'unknown-path']);
  });

  it('lets a body be left out where nothing must be in it', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const outgoing = request(new URL('/api/v1/reload', base), { method: 'POST' }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
    // It got as far as the operation, which finds no server here.
    assert.equal(status, 500);
  });
});
