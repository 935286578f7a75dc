// Alarms of a real server that something really happens to: its log, a webhook, the API and the
// dashboard agree, while it goes up and when it comes down.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generate } from 'selfsigned';
import type { Sample } from '../../src/operations/sample.js';
import { AlarmWatch, Outside, PAGER_SECRET } from './support/alarm-watch.js';
import { http } from './support/http-client.js';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';

const DAY_MS = 86_400_000;

async function writeCertificate(folder: string, days: number): Promise<void> {
  const now = Date.now();
  const pair = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + days * DAY_MS),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'cert.pem'), pair.cert);
  writeFileSync(join(folder, 'key.pem'), pair.private);
}

describe('alarms of a server', function () {
  this.timeout(90_000);
  const outside = new Outside();
  let server: TestServer;
  let watch: AlarmWatch;
  let token: string;

  before(async () => {
    const url = await outside.start();
    server = await TestServer.start({
      config: {
        admin: { listen: '127.0.0.1:0' },
        log: { format: 'json' },
        registration: {
          sender: 'webhook',
          webhook: { url: `${url}/pins`, secret: 'a secret of the gateway' },
          maxQueue: 10,
        },
        alarms: {
          holdSeconds: 0,
          clearSeconds: 1,
          webhook: { url: `${url}/alarms`, secret: PAGER_SECRET },
          // So low that what a test can do reaches them.
          commitTime: { warning: 20, critical: 100_000_000, clear: 10 },
          mailboxAge: { warning: 2, critical: 1_000_000, clear: 1 },
          descriptors: { warning: 50, critical: 99, clear: 40 },
          eventLoopLag: { warning: 400, critical: 60_000, clear: 200 },
          // Other workers of the machine may stop a shard for as long as they like.
          off: ['shardLag', 'disk'],
        },
      },
      accounts: ['ann', 'bob'],
      descriptors: 400,
      beforeStart: async (data) => {
        await writeCertificate(join(data, 'tls'), 5);
      },
    });
    watch = await AlarmWatch.start(server, outside);
    ({ token } = watch);
  });
  after(async () => {
    outside.letGo();
    await watch?.close();
    await server?.remove();
    outside.close();
  });

  it('certificate: it ends soon, and a new one is loaded', async () => {
    const alarm = await watch.up('certificate');
    assert.match(alarm.message, /ends in (?:4\.9|5) days/u);
    assert.equal(alarm.severity, 'warning');
    // What the dashboard reads says the same, and so does the metric.
    const shown = await http(server.adminUrl, 'GET', '/api/v1/sample/show', { token });
    const { alarms } = shown.json as unknown as Sample;
    assert.deepEqual(
      alarms.find(({ id }) => id === alarm.id),
      alarm,
    );
    const metrics = await http(server.adminUrl, 'GET', '/metrics', { token });
    assert.match(metrics.text, /^rookery_alarm\{rule="certificate",subject="tls.cert",.*\} 1$/mu);
    const fresh = join(server.folder, 'fresh');
    await writeCertificate(fresh, 90);
    for (const file of ['cert.pem', 'key.pem']) {
      copyFileSync(join(fresh, file), join(server.data, 'tls', file));
    }
    await server.cli('reload');
    await watch.down(alarm);
    await watch.agree(alarm);
  });

  it('queue: a gateway that does not answer, until it does', async () => {
    for (let at = 0; at < 7; at++) {
      const body = { number: `+491512345670${at}` };
      const answer = await http(server.httpUrl, 'POST', '/api/v1/registrations', { body });
      assert.equal(answer.status, 202, answer.text);
    }
    const alarm = await watch.up('queue');
    assert.deepEqual([alarm.subject, alarm.unit], ['pins', 'percent']);
    assert.ok(alarm.value >= 50);
    outside.letGo();
    await watch.down(alarm);
    await watch.agree(alarm);
  });

  it('eventLoopLag: the process stands still for moments', async () => {
    // Again and again: among fifty short waits of a second one long one is beyond the percentile.
    for (let times = 0; times < 4; times++) {
      process.kill(server.pid, 'SIGSTOP');
      await sleep(600);
      process.kill(server.pid, 'SIGCONT');
      await sleep(50);
    }
    const alarm = await watch.once('eventLoopLag');
    assert.ok(alarm.value >= 400 && alarm.value < 20_000);
    await watch.down(alarm);
    await watch.agree(alarm);
  });

  it('descriptors: a crowd comes and goes', async () => {
    const crowd = Array.from({ length: 500 }, () => new RawClient(server.endpoint, 'ann'));
    await Promise.all(crowd.map((client) => client.connect()));
    const alarm = await watch.up('descriptors');
    assert.match(alarm.subject, /^shard-\d$/u);
    for (const client of crowd) client.cut();
    await watch.down(alarm);
    await watch.agree(alarm);
  });

  it('mailboxAge and commitTime: a message that waits, until it is fetched', async () => {
    const ann = new RawClient(server.endpoint, 'ann');
    await ann.login({});
    ann.send("<message to='bob@localhost' type='chat'><body>are you there</body></message>");
    const [slow, old] = await Promise.all([watch.up('commitTime'), watch.up('mailboxAge')]);
    assert.match(slow.subject, /^store-\d+$/u);
    assert.match(old.subject, /^shard-\d$/u);
    const bob = new RawClient(server.endpoint, 'bob');
    await bob.login({});
    await bob.until(({ name }) => name === 'message');
    await bob.logout();
    await ann.logout();
    for (const alarm of [slow, old]) {
      await watch.down(alarm);
      await watch.agree(alarm);
    }
  });
});
