// The samples of a real server: one a second, to every way in, and their figures are true.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { callServer, readServer } from '../../src/cli/admin-client.js';
import type { Sample } from '../../src/operations/sample.js';
import { sampleShow, sampleStream } from '../../src/operations/sample-operations.js';
import type { ServerView } from '../../src/operations/view/server-view.js';
import type { ViewHistory } from '../../src/operations/views.js';
import { parseExposition } from '../operations/support/exposition.js';
import { http } from './support/http-client.js';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';

describe('samples', function () {
  this.timeout(60_000);
  let server: TestServer;
  let token: string;

  before(async () => {
    server = await TestServer.start({
      config: { admin: { listen: '127.0.0.1:0' } },
      accounts: ['ann', 'bob'],
      descriptors: 4000,
    });
    token = (await server.cli('token', 'add', 'eve', '--role', 'viewer')).trim();
  });
  after(() => server.remove());

  const show = async (): Promise<Sample> =>
    (await callServer(server.data, sampleShow, {})) as unknown as Sample;

  it('come each second, on the socket and on a WebSocket, and are the same', async () => {
    const onSocket: string[] = [];
    const stopped = new AbortController();
    const reading = readServer(
      server.data,
      sampleStream,
      {},
      (json) => {
        onSocket.push(json);
        if (onSocket.length === 5) stopped.abort();
      },
      stopped.signal,
    );
    const url = `${server.adminUrl.replace('http', 'ws')}api/v1/sample/stream`;
    const socket = new WebSocket(url, ['rookery', `bearer.${token}`]);
    const onWebSocket: string[] = [];
    socket.on('message', (message) => onWebSocket.push(String(message)));
    await reading;
    socket.terminate();
    const times = onSocket.map((json) => (JSON.parse(json) as Sample).at);
    for (const [index, at] of times.slice(1).entries()) {
      const gap = at - (times[index] ?? 0);
      assert.ok(gap > 500 && gap < 2500, `${gap} ms between two samples`);
    }
    assert.ok(onWebSocket.length >= 3);
    assert.ok(onWebSocket.slice(0, 3).every((json) => onSocket.includes(json)));
  });

  it('are what the view of each second is made from, which is the same for all', async () => {
    const url = `${server.adminUrl.replace('http', 'ws')}api/v1/view/stream`;
    const watched = await Promise.all(
      [0, 1].map(async () => {
        const socket = new WebSocket(url, ['rookery', `bearer.${token}`]);
        const views: string[] = [];
        await new Promise<void>((resolve, reject) => {
          socket.on('error', reject);
          socket.on('message', (message) => {
            if (views.push(String(message)) === 3) resolve();
          });
        });
        socket.terminate();
        return views;
      }),
    );
    const same = (watched[0] ?? []).filter((json) => watched[1]?.includes(json));
    assert.ok(same.length >= 2, `${same.length} the same`);
    const view = JSON.parse(same[0] ?? '') as ServerView;
    assert.equal(view.server.pid, server.pid);
    assert.equal(view.shards.length, 2);
    assert.equal(view.point.at, view.at);
    const { json } = await http(server.adminUrl, 'GET', '/api/v1/view/history', { token });
    const { intervalMs, points } = json as unknown as ViewHistory;
    assert.equal(intervalMs, 1000);
    assert.deepEqual(
      points.find(({ at }) => at === view.at),
      view.point,
    );
    const times = points.map(({ at }) => at);
    assert.deepEqual(times, [...times].sort());
  });

  it('say what is true of the process and of the machine', async () => {
    const { os, server: own, engine, control } = await show();
    assert.equal(own.pid, server.pid);
    assert.equal(own.accounts, 2);
    const total = Number(/MemTotal:\s+(\d+)/u.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
    assert.equal(os.memory.totalBytes, total * 1024);
    const resident = server.memoryBytes();
    assert.ok(Math.abs(os.memory.residentBytes - resident) < resident / 4);
    assert.equal(os.descriptors.limit, 4000);
    assert.ok(os.descriptors.main > 10 && os.descriptors.main < 500);
    assert.equal(os.descriptors.shards.length, 2);
    const { userSeconds, systemSeconds } = os.cpu.process;
    assert.ok(Math.abs(userSeconds + systemSeconds - server.cpuSeconds()) < 1.5);
    assert.ok(os.tcp.segmentsOut > 0 && os.disk.totalBytes > os.disk.freeBytes);
    assert.ok(own.certificateEnds > Date.now() + 1e9);
    assert.ok(engine.queues.length > 0 && engine.queues.every(({ limit }) => limit > 0));
    assert.ok(control.queues.some(({ name }) => name === 'handlers'));
    assert.ok(control.heap.usedBytes > 1e6);
  });

  it('count what people do, and how long handlers took for it', async () => {
    const before = await show();
    const ann = new RawClient(server.endpoint, 'ann');
    await ann.login({});
    for (let at = 0; at < 20; at++) {
      ann.send(`<iq type='get' id='r${at}'><query xmlns='jabber:iq:roster'/></iq>`);
      await ann.until(({ attrs }) => attrs.id === `r${at}`);
    }
    ann.send(`<iq type='get' id='x'><query xmlns='urn:nobody:knows'/></iq>`);
    await ann.until(({ attrs }) => attrs.id === 'x');
    // Bob is away: it goes to the disk.
    ann.send("<message to='bob@localhost' type='chat'><body>hello</body></message>");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const after = await show();
    const grown = (name: string): number =>
      (after.engine.counters[name] ?? 0) - (before.engine.counters[name] ?? 0);
    assert.deepEqual([grown('logins'), grown('iq_in') >= 21], [1, true]);
    const byNamespace = new Map(after.control.handlers.map((entry) => [entry.namespace, entry.us]));
    assert.equal(byNamespace.get('jabber:iq:roster')?.count, 20);
    assert.ok((byNamespace.get('jabber:iq:roster')?.sum ?? 0) > 0);
    // What nobody answers has no entry of its own.
    assert.equal(byNamespace.has('urn:nobody:knows'), false);
    assert.equal(byNamespace.get('iq without handler')?.count, 1);
    await ann.logout();
  });

  it('are told to Prometheus, who needs a token, by names that are documented', async () => {
    const refused = await http(server.adminUrl, 'GET', '/metrics');
    assert.deepEqual([refused.status, refused.json.rule], [401, 'token-missing']);
    const answer = await http(server.adminUrl, 'GET', '/metrics', { token });
    assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    const families = parseExposition(answer.text);
    const reference = readFileSync(new URL('../../docs/METRICS.md', import.meta.url), 'utf8');
    for (const [name, { type, series }] of families) {
      assert.ok(reference.includes(`| \`${name}\` | ${type} |`), name);
      const labels = new Set(series.flatMap((one) => Object.keys(one.labels)));
      labels.delete('le');
      const row = reference.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? '';
      for (const label of labels) assert.ok(row.includes(`\`${label}\``), `${name} ${label}`);
    }
    const { engine } = await show();
    const logins = families.get('rookery_shard_logins_total')?.series ?? [];
    assert.equal(logins.length, 2);
    const sum = logins.reduce((total, { value }) => total + value, 0);
    assert.equal(sum, engine.counters.logins);
    for (const name of ['loop_seconds', 'handover_seconds', 'lag_seconds', 'batch']) {
      assert.equal(families.get(`rookery_shard_${name}`)?.type, 'histogram', name);
    }
    const stores = families.get('rookery_store_fsync_seconds')?.series ?? [];
    assert.ok(stores.some(({ name, value }) => name.endsWith('_count') && value >= 0));
  });

  it('see an event loop that stood still', async () => {
    process.kill(server.pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 700));
    process.kill(server.pid, 'SIGCONT');
    let worst = 0;
    for (let at = 0; at < 10 && worst < 400; at++) {
      worst = Math.max(worst, (await show()).control.eventLoopLagMs.max);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.ok(worst > 400 && worst < 5000, `${worst} ms`);
  });
});
