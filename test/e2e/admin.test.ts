// The admin HTTP interface of a real server: tokens and their roles, what is refused by which rule,
// and the same operations as the command line has.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HttpOptions, http } from './support/http-client.js';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';

describe('admin HTTP interface', function () {
  this.timeout(60_000);
  let server: TestServer;
  const tokens = { viewer: '', operator: '', admin: '' };

  before(async () => {
    server = await TestServer.start({
      config: { admin: { listen: '127.0.0.1:0' }, log: { format: 'json' } },
      accounts: ['ann', 'bob'],
    });
    // One while it runs; another is made below, while it does not.
    tokens.admin = (await server.cli('token', 'add', 'root', '--role', 'admin')).trim();
    tokens.viewer = (await server.cli('token', 'add', 'eve', '--role', 'viewer')).trim();
  });
  after(() => server.remove());

  const call = (method: string, name: string, options: HttpOptions = {}) =>
    http(server.adminUrl, method, `/api/v1/${name}`, { token: tokens.admin, ...options });

  it('lets in who has a token, for what its role allows', async () => {
    const status = await call('GET', 'status', { token: tokens.viewer });
    assert.equal(status.status, 200);
    assert.equal(status.json.pid, server.pid);
    const reload = await call('POST', 'reload', { token: tokens.viewer });
    assert.deepEqual([reload.status, reload.json.rule], [403, 'role-operator']);
    assert.equal(reload.headers['content-type'], 'application/problem+json');
    const done = await call('POST', 'reload');
    assert.deepEqual([done.status, done.json.version], [200, 2]);
    const { version } = (await call('GET', 'status')).json;
    assert.deepEqual((await call('GET', 'whoami')).json, {
      name: 'root',
      role: 'admin',
      via: 'http',
      domain: 'localhost',
      version,
    });
  });

  it('refuses who has none, and says why', async () => {
    for (const [token, rule] of [
      ['', 'token-missing'],
      ['rookery_guessed', 'token-unknown'],
      [`${tokens.admin}x`, 'token-unknown'],
      [tokens.admin.slice(0, -1), 'token-unknown'],
    ] as const) {
      const answer = await call('GET', 'status', { token });
      assert.deepEqual([answer.status, answer.json.rule], [401, rule]);
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
    }
  });

  it('keeps no token, and lets none be made twice', async () => {
    const kept = readFileSync(join(server.data, 'control', 'data.mdb'), 'latin1');
    assert.ok(kept.includes('root'));
    assert.ok(
      !kept.includes(tokens.admin) && !kept.includes(tokens.admin.slice('rookery_'.length)),
    );
    await assert.rejects(server.cli('token', 'add', 'root', '--role', 'viewer'), /already/u);
    assert.match(await server.cli('token', 'list'), /^eve +viewer +since .*\nroot +admin/u);
    const list = await call('GET', 'token/list');
    assert.ok(!JSON.stringify(list.json).includes('hash'));
  });

  it('is done with a token once that is deleted; the others outlive a restart', async () => {
    const body = { name: 'brief', role: 'operator' };
    const made = await call('POST', 'token/add', { body });
    const token = String(made.json.token);
    assert.equal((await call('GET', 'status', { token })).status, 200);
    await server.cli('token', 'delete', 'brief');
    assert.equal((await call('GET', 'status', { token })).json.rule, 'token-unknown');
    await server.stop();
    tokens.operator = (await server.cli('token', 'add', 'ops', '--role', 'operator')).trim();
    await server.restart();
    for (const known of Object.values(tokens)) {
      assert.equal((await call('GET', 'whoami', { token: known })).status, 200);
    }
  });

  it('does what the command line does, and the log says who did it', async () => {
    const ann = new RawClient(server.endpoint, 'ann');
    await ann.login({});
    const body = { user: 'ann@localhost' };
    const refused = await call('POST', 'account/delete', { token: tokens.operator, body });
    assert.equal(refused.json.rule, 'role-admin');
    const gone = await call('POST', 'account/delete', { body });
    assert.deepEqual([gone.status, gone.json], [200, { deleted: 'ann@localhost' }]);
    await ann.waitClosed();
    assert.equal(await server.cli('account', 'list'), 'bob@localhost\n');
    const lines = server.log.split('\n').filter((line) => line.includes('"component":"admin"'));
    const noted = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(
      noted.some(
        ({ operation, caller, via }) =>
          operation === 'account delete' && caller === 'root' && via === 'http',
      ),
    );
  });

  it('serves the dashboard to who has no token, and nothing else', async () => {
    const page = await http(server.adminUrl, 'GET', '/');
    assert.equal(page.status, 200);
    const policy = String(page.headers['content-security-policy']);
    assert.match(policy, /default-src 'none'.*connect-src 'self';/u);
    assert.doesNotMatch(policy, /unsafe/u);
    const script = /src="(assets\/main-[^"]+\.js)"/u.exec(page.text)?.[1] ?? 'none';
    const { status, headers } = await http(server.adminUrl, 'GET', `/${script}`);
    assert.deepEqual([status, headers['content-type']], [200, 'text/javascript; charset=utf-8']);
    assert.match(String(headers['cache-control']), /immutable/u);
    for (const path of ['/assets', '/..%2fpage/index.html', '/assets/sqlite3.wasm', '/config']) {
      assert.equal((await http(server.adminUrl, 'GET', path)).status, 404, path);
    }
  });

  it('describes itself', async () => {
    const answer = await http(server.adminUrl, 'GET', '/api/openapi.json');
    const kept = readFileSync(new URL('../../docs/admin-openapi.json', import.meta.url), 'utf8');
    assert.deepEqual(answer.json, JSON.parse(kept));
  });

  it('says goodbye before it stops', async () => {
    const answer = await call('POST', 'stop', { body: {} });
    assert.deepEqual([answer.status, answer.json], [200, { stopping: true }]);
    const deadline = Date.now() + 10_000;
    while (server.running && Date.now() < deadline) await new Promise((go) => setTimeout(go, 50));
    assert.equal(server.running, false);
  });
});
