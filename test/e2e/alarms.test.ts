// Alarms of a real server that something really happens to: its log, a webhook, the API and the
// samples that the dashboard reads agree, while it goes up and when it comes down.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { generate } from 'selfsigned';
import { callServer } from '../../src/cli/admin-client.js';
import { alarmHistory, alarmShow } from '../../src/operations/alarm-operations.js';
import type { AlarmState } from '../../src/operations/alarms/alarm.js';
import type { Sample } from '../../src/operations/sample.js';
import { http } from './support/http-client.js';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';

interface Told {
  readonly event: string;
  readonly alarm: AlarmState;
}

const DAY_MS = 86_400_000;

/** A pager, and a gateway for PINs that answers when it is let. */
class Outside {
  readonly told: Told[] = [];
  private readonly held: (() => void)[] = [];
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      void text(request).then((body) => {
        if (request.url === '/alarms') this.told.push(JSON.parse(body) as Told);
        if (request.url === '/alarms') response.end();
        else this.held.push(() => response.end());
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  letGo(): void {
    for (const answer of this.held.splice(0)) answer();
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

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
          webhook: { url: `${url}/alarms`, secret: 'a secret of the pager' },
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
    token = (await server.cli('token', 'add', 'eve', '--role', 'viewer')).trim();
  });
  after(async () => {
    outside.letGo();
    await server.remove();
    outside.close();
  });

  const raised = async (): Promise<AlarmState[]> =>
    (await callServer(server.data, alarmShow, {})).alarms;

  async function until<Result>(
    what: string,
    look: () => Promise<Result | undefined>,
  ): Promise<Result> {
    for (let tries = 0; tries < 200; tries++) {
      const found = await look();
      if (found !== undefined) return found;
      await sleep(100);
    }
    throw new Error(`${what} did not come\n${server.log.slice(-3000)}`);
  }

  const up = (rule: string): Promise<AlarmState> =>
    until(`${rule} raised`, async () => (await raised()).find((alarm) => alarm.rule === rule));

  const down = ({ id }: AlarmState): Promise<AlarmState> =>
    until(`alarm ${id} cleared`, async () => {
      const { alarms } = await callServer(server.data, alarmHistory, {});
      return alarms.find((alarm) => alarm.id === id && alarm.clearedAt > 0);
    });

  /** The events of an alarm, by each of the ways of telling. */
  async function agree(alarm: AlarmState): Promise<void> {
    const story = ['raised', 'cleared'];
    const paged = await until('the webhook', async () => {
      const told = outside.told.filter((one) => one.alarm.id === alarm.id);
      return told.length >= story.length ? told : undefined;
    });
    assert.deepEqual(
      paged.map(({ event }) => event),
      story,
    );
    const lines = server.log
      .split('\n')
      .filter((line) => line.includes('"component":"alarm"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ id }) => id === alarm.id);
    assert.deepEqual(
      lines.map(({ event }) => event),
      story,
    );
    assert.deepEqual(
      lines.map(({ rule, subject }) => [rule, subject]),
      paged.map((told) => [told.alarm.rule, told.alarm.subject]),
    );
    const answer = await http(server.adminUrl, 'GET', '/api/v1/alarm/history', { token });
    const past = (answer.json.alarms as AlarmState[]).find(({ id }) => id === alarm.id);
    assert.deepEqual(past, paged.at(-1)?.alarm);
  }

  it('certificate: it ends soon, and a new one is loaded', async () => {
    const alarm = await up('certificate');
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
    await down(alarm);
    await agree(alarm);
  });

  it('queue: a gateway that does not answer, until it does', async () => {
    for (let at = 0; at < 7; at++) {
      const body = { number: `+491512345670${at}` };
      const answer = await http(server.httpUrl, 'POST', '/api/v1/registrations', { body });
      assert.equal(answer.status, 202, answer.text);
    }
    const alarm = await up('queue');
    assert.deepEqual([alarm.subject, alarm.unit], ['pins', 'percent']);
    assert.ok(alarm.value >= 50);
    outside.letGo();
    await down(alarm);
    await agree(alarm);
  });

  it('eventLoopLag: the process stands still for a moment', async () => {
    process.kill(server.pid, 'SIGSTOP');
    await sleep(900);
    process.kill(server.pid, 'SIGCONT');
    const alarm = await until('the lag', async () => {
      const { alarms } = await callServer(server.data, alarmHistory, {});
      return alarms.find(({ rule }) => rule === 'eventLoopLag');
    });
    assert.ok(alarm.value >= 400 && alarm.value < 20_000);
    await down(alarm);
    await agree(alarm);
  });

  it('descriptors: a crowd comes and goes', async () => {
    const crowd = Array.from({ length: 500 }, () => new RawClient(server.endpoint, 'ann'));
    await Promise.all(crowd.map((client) => client.connect()));
    const alarm = await up('descriptors');
    assert.match(alarm.subject, /^shard-\d$/u);
    for (const client of crowd) client.cut();
    await down(alarm);
    await agree(alarm);
  });

  it('mailboxAge and commitTime: a message that waits, until it is fetched', async () => {
    const ann = new RawClient(server.endpoint, 'ann');
    await ann.login({});
    ann.send("<message to='bob@localhost' type='chat'><body>are you there</body></message>");
    const [slow, old] = await Promise.all([up('commitTime'), up('mailboxAge')]);
    assert.match(slow.subject, /^store-\d+$/u);
    assert.match(old.subject, /^shard-\d$/u);
    const bob = new RawClient(server.endpoint, 'bob');
    await bob.login({});
    await bob.until(({ name }) => name === 'message');
    await bob.logout();
    await ann.logout();
    for (const alarm of [slow, old]) {
      await down(alarm);
      await agree(alarm);
    }
  });
});
