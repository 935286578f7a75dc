// What an operator asks of a server that runs, and of one that does not: check, report, stat, the
// level of the log.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';

describe('operating', function () {
  this.timeout(60_000);
  const secret = 'sesame-open-9c1f';
  let server: TestServer;

  before(async () => {
    server = await TestServer.start({
      accounts: ['ann'],
      config: {
        alarms: {
          webhook: { url: `https://alarms.example/hook?token=${secret}`, secret },
        },
      },
    });
    const ann = new RawClient(server.endpoint, 'ann');
    await ann.login({ security: 'direct', acks: true });
    await ann.logout();
  });
  after(() => server.remove());

  it('check looks at the machine, too, and says what would be better', async () => {
    const words = await server.cli('check');
    for (const name of ['configuration', 'data folder', 'ports', 'cores', 'descriptors', 'disk']) {
      assert.match(words, new RegExp(`^(?:ok  |note) {2}${name}: `, 'mu'), name);
    }
    assert.match(words, /^(?:ok {2}|note) {2}fsync: \d+\.\d\d ms, the slowest of 20 /mu);
    assert.match(words, /^(?:ok {2}|note) {2}net\.core\.somaxconn: \d+$/mu);
  });

  it('report writes one file with everything and without secrets', async () => {
    const file = join(server.data, '..', 'report.json');
    assert.match(await server.cli('report', '--output', file), /Read it before you send it/u);
    const text = readFileSync(file, 'utf8');
    assert.ok(!text.includes(secret), 'a secret is in the report');
    const report = JSON.parse(text) as {
      configuration: { values: { alarms: { webhook: { url: string; secret: string } } } };
      machine: { facts: unknown[] };
      checks: { problems: string[] }[];
      server: { status: { accounts: number }; sample: { at: number }; alarms: object };
    };
    assert.equal(report.configuration.values.alarms.webhook.secret, '(removed)');
    assert.match(
      report.configuration.values.alarms.webhook.url,
      /^https:\/\/alarms\.example\/hook /u,
    );
    assert.equal(report.server.status.accounts, 1);
    assert.ok(report.server.sample.at > 0);
    assert.ok(report.machine.facts.length >= 5);
    assert.deepEqual(
      report.checks.flatMap(({ problems }) => problems),
      [],
    );
  });

  it('stat says where threads have waited', async () => {
    const words = await server.cli('stat');
    assert.match(
      words,
      /^wake-ups: shards told each other \d+ times; \d+ notifications found a shard asleep$/mu,
    );
    assert.match(words, /^lock +taken +waited +each wait$/mu);
    const stat = JSON.parse(await server.cli('stat', '--json')) as {
      wakeUps: { asked: number; rung: number };
      locks: { taken: number; waited: number }[];
    };
    assert.ok(stat.wakeUps.rung > 0);
    assert.ok(stat.locks.length > 0 && stat.locks.every(({ taken, waited }) => taken >= waited));
  });

  it('the level of the log is changed while the server runs', async () => {
    assert.equal((await server.cli('log-level', 'debug')).trim(), 'debug');
    assert.equal((await server.cli('log-level')).trim(), 'debug');
    await assert.rejects(server.cli('log-level', 'loud'), /loud/u);
  });

  it('top shows lines, keeps a recording, and shows it again', async () => {
    const file = join(server.data, '..', 'top.ndjson');
    const lines = await server.cli('top', '--plain', '--count', '2', '--record', file);
    assert.equal(lines.trimEnd().split('\n').length, 3);
    assert.match(lines, /^ +time +cpu% +server%/u);
    const again = await server.cli('top', '--plain', '--replay', file, '--speed', '100');
    assert.equal(again.split('\n')[1], lines.split('\n')[1]);
    assert.equal(again, lines);
    const [json] = (await server.cli('top', '--json', '--replay', file)).split('\n');
    assert.equal(
      (JSON.parse(json ?? '') as { server: { domain: string } }).server.domain,
      'localhost',
    );
    await assert.rejects(server.cli('top', '--count', '1', '--record', file), /EEXIST/u);
    await assert.rejects(server.cli('top', '--replay', server.configFile), /is no recording/u);
    await assert.rejects(server.cli('top', '--interval', '0'), /--interval is 0/u);
  });

  it('a report can be made of a server that does not run', async () => {
    await server.stop();
    const file = join(server.data, '..', 'report-2.json');
    await server.cli('report', '--output', file);
    assert.equal(
      (JSON.parse(readFileSync(file, 'utf8')) as { server: string }).server,
      'no server runs',
    );
  });
});
