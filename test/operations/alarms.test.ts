// Every alarm is driven up and down, and its log, its webhook, the API, the stream that the
// dashboard follows and the history say the same of it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import type { HistogramFigures } from '../../src/base/histogram.js';
import { ALARM_RULES, type AlarmRuleName } from '../../src/config/alarms-schema.js';
import { configFromObject } from '../../src/config/load.js';
import { HttpServer } from '../../src/http/server.js';
import type { AlarmState } from '../../src/operations/alarms/alarm.js';
import { Alarms } from '../../src/operations/alarms/alarms.js';
import { alarmsReference } from '../../src/operations/alarms/reference.js';
import type { Figures } from '../../src/operations/alarms/rules.js';
import type { OperationContext } from '../../src/operations/context.js';
import { registryRoutes } from '../../src/operations/routes.js';
import { webhookSignature } from '../../src/services/webhook.js';
import { http } from '../e2e/support/http-client.js';
import { TestServices } from '../helpers.js';
import { NO_TIME, sampleAt, storeOf } from './support/samples.js';

const SECRET = 'a secret of the pager';
const HOLD_MS = 3000;
const CLEAR_MS = 10_000;

interface Told {
  readonly event: string;
  readonly alarm: AlarmState;
}

/** Somebody's pager; it can be down. */
class Pager {
  readonly told: Told[] = [];
  readonly ids: string[] = [];
  forged = 0;
  failures = 0;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      void text(request).then((body) => {
        const signature = String(request.headers['x-rookery-signature']);
        const seconds = Number(/^t=(\d+),/u.exec(signature)?.[1]);
        this.ids.push(String(request.headers['idempotency-key']));
        if (this.failures > 0) {
          this.failures--;
          response.statusCode = 503;
        } else if (signature !== webhookSignature(SECRET, seconds, body)) this.forged++;
        else this.told.push(JSON.parse(body) as Told);
        response.end();
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/alarms`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** The alarms of a server with everything around them that tells of them. */
class Station {
  readonly services = new TestServices();
  readonly pager = new Pager();
  readonly logged: Record<string, unknown>[] = [];
  readonly streamed: Told[] = [];
  alarms!: Alarms;
  base = '';
  at = 1_800_000_000_000;
  private http: HttpServer | undefined;
  private socket: WebSocket | undefined;
  private before: Figures | undefined;
  private readonly totals = new Map<string, HistogramFigures>();

  async start(): Promise<void> {
    const url = await this.pager.start();
    const config = configFromObject({
      domain: 'example.org',
      alarms: { webhook: { url, secret: SECRET, attempts: 3 } },
    });
    const log = pino(
      { level: 'info', base: null },
      {
        write: (line: string) => void this.logged.push(JSON.parse(line) as Record<string, unknown>),
      },
    );
    const { store } = this.services.services;
    this.alarms = new Alarms({ config, version: '1.2.3', store, log });
    await this.alarms.open();
    const context = {
      caller: { name: 'eve', role: 'operator', via: 'http' },
      services: this.services.services,
      server: { alarms: this.alarms, log },
    } as unknown as OperationContext;
    this.http = new HttpServer({
      name: 'admin',
      config: {
        listen: '127.0.0.1:0',
        trustedProxies: [],
        allowedOrigins: [],
        maxRequests: 100,
        maxRequestsPerAddress: 100,
      },
      routes: registryRoutes(() => context),
      log,
    });
    const { address, port } = await this.http.start();
    this.base = `http://${address}:${port}`;
    const socket = new WebSocket(`ws://${address}:${port}/api/v1/alarm/stream`, ['rookery']);
    this.socket = socket;
    socket.on('message', (message) => {
      const told = JSON.parse(String(message)) as Told;
      if (told.event !== undefined) this.streamed.push(told);
    });
    await new Promise((resolve) => socket.once('open', resolve));
  }

  async stop(): Promise<void> {
    this.socket?.terminate();
    await this.http?.stop();
    await this.alarms.close();
    this.pager.close();
    await this.services.close();
  }

  /** Seconds go by in which the samples are so. */
  pass(seconds: number, over: Parameters<typeof sampleAt>[1] = {}): void {
    for (let second = 0; second < seconds; second++) {
      this.at += 1000;
      const sample = this.grown(sampleAt(this.at, over));
      this.alarms.watch(sample, this.before);
      this.before = sample;
    }
  }

  /** Histograms only grow: what a sample has of them is what its second adds. */
  private grown(sample: Figures): Figures {
    const { shards, stores } = sample.engine;
    return {
      ...sample,
      engine: {
        ...sample.engine,
        shards: shards.map((shard) => ({
          ...shard,
          histograms: {
            ...shard.histograms,
            loop_us: this.sum(`shard ${shard.id}`, shard.histograms.loop_us),
          },
        })),
        stores: stores.map((one) => ({
          ...one,
          commit_us: this.sum(`store ${one.id}`, one.commit_us),
        })),
      },
    };
  }

  private sum(name: string, added: HistogramFigures = NO_TIME): HistogramFigures {
    const before = this.totals.get(name) ?? NO_TIME;
    const buckets = new Map(before.buckets);
    for (const [bound, count] of added.buckets) {
      buckets.set(bound, (buckets.get(bound) ?? 0) + count);
    }
    const total = {
      count: before.count + added.count,
      sum: before.sum + added.sum,
      buckets: [...buckets].sort(([left], [right]) => left - right),
    };
    this.totals.set(name, total);
    return total;
  }

  async api(path: string): Promise<AlarmState[]> {
    const answer = await http(this.base, 'GET', `/api/v1/alarm/${path}`);
    assert.equal(answer.status, 200);
    return answer.json.alarms as AlarmState[];
  }

  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 8000;
    while (!condition() && Date.now() < deadline) await sleep(10);
    assert.ok(condition());
  }
}

const slow = (us: number) => ({ count: 100, sum: 100 * us, buckets: [[us, 100]] as const });
type Shard = Figures['engine']['shards'][number];
const shards = (over: (shard: Shard) => Partial<Shard>): Shard[] =>
  sampleAt(0).engine.shards.map((one) => (one.id === 1 ? { ...one, ...over(one) } : one));
const turns = (us: number): Shard[] =>
  shards(({ histograms }) => ({ histograms: { ...histograms, loop_us: slow(us) } }));
const oldest = (days: number): Shard[] =>
  shards(({ mailboxes }) => ({ mailboxes: { ...mailboxes, oldest_seconds: days * 86_400 } }));
const store = (us: number): Figures['engine']['stores'] => [storeOf(slow(us))];
const queueOf = (depth: number): Figures['control']['queues'] => [
  { name: 'handlers', depth, limit: 100, refused: 0 },
];
const daysLeft = (days: number) => ({
  // Far enough from the edge for the seconds that go by.
  server: { certificateEnds: 1_800_000_000_000 + days * 86_400_000 + 3_600_000 },
});

type Over = Parameters<typeof sampleAt>[1];

/** What makes each rule's value nearly bad, bad, very bad; and what it is then about. */
const drives: Record<
  AlarmRuleName,
  { readonly subject: string; readonly edge: Over; readonly bad: Over; readonly worse: Over }
> = {
  queue: {
    subject: 'handlers',
    edge: { control: { queues: queueOf(40) } },
    bad: { control: { queues: queueOf(60) } },
    worse: { control: { queues: queueOf(95) } },
  },
  eventLoopLag: {
    subject: '',
    edge: { control: { eventLoopLagMs: { p99: 200 } } },
    bad: { control: { eventLoopLagMs: { p99: 400 } } },
    worse: { control: { eventLoopLagMs: { p99: 3000 } } },
  },
  shardLag: {
    subject: 'shard-1',
    edge: { engine: { shards: turns(40_000) } },
    bad: { engine: { shards: turns(60_000) } },
    worse: { engine: { shards: turns(900_000) } },
  },
  commitTime: {
    subject: 'store-0',
    edge: { engine: { stores: store(70_000) } },
    bad: { engine: { stores: store(200_000) } },
    worse: { engine: { stores: store(2_000_000) } },
  },
  mailboxAge: {
    subject: 'shard-1',
    edge: { engine: { shards: oldest(25) } },
    bad: { engine: { shards: oldest(28) } },
    worse: { engine: { shards: oldest(29.9) } },
  },
  descriptors: {
    subject: 'shard-1',
    edge: { os: { descriptors: { shards: [0, 750] } } },
    bad: { os: { descriptors: { shards: [0, 850] } } },
    worse: { os: { descriptors: { shards: [0, 999] } } },
  },
  memory: {
    subject: '',
    edge: { os: { memory: { residentBytes: 7.7e8 } } },
    bad: { os: { memory: { residentBytes: 8.5e8 } } },
    worse: { os: { memory: { residentBytes: 9.9e8 } } },
  },
  certificate: {
    subject: 'tls.cert',
    edge: daysLeft(14.5),
    bad: daysLeft(10),
    worse: daysLeft(1),
  },
  disk: {
    subject: 'data',
    edge: { os: { disk: { freeBytes: 1.6e10 } } },
    bad: { os: { disk: { freeBytes: 1e10 } } },
    worse: { os: { disk: { freeBytes: 1e9 } } },
  },
};

describe('alarms', function () {
  this.timeout(30_000);
  let station: Station;

  beforeEach(async () => {
    station = new Station();
    await station.start();
  });
  afterEach(() => station.stop());

  /** What each of the ways of telling said, as `event rule subject severity`. */
  const said = (told: readonly Told[]): string[] =>
    told.map(({ event, alarm: { rule, subject, severity } }) =>
      [event, rule, subject, severity].join(' '),
    );
  const logged = (): string[] =>
    station.logged
      .filter(({ component, event }) => component === 'alarm' && event !== undefined)
      .map(({ event, rule, subject, severity }) => [event, rule, subject, severity].join(' '));

  for (const rule of ALARM_RULES) {
    it(`${rule}: goes up, becomes critical, comes down, and everybody agrees`, async () => {
      const { subject, edge, bad, worse } = drives[rule];
      station.pass(5);
      station.pass(2, bad);
      station.pass(5);
      assert.deepEqual(await station.api('list'), [], 'raised although it did not last');
      station.pass(5, edge);
      assert.deepEqual(await station.api('list'), [], 'raised although it did not reach the level');
      const from = station.at + 1000;
      station.pass(1 + HOLD_MS / 1000, bad);
      const [alarm, ...others] = await station.api('list');
      assert.ok(alarm !== undefined && others.length === 0);
      assert.deepEqual(
        [alarm.rule, alarm.subject, alarm.severity, alarm.raisedAt],
        [rule, subject, 'warning', from + HOLD_MS],
      );
      assert.ok(alarm.message.length > 10 && alarm.unit.length > 0);
      station.pass(20, edge);
      assert.equal((await station.api('list'))[0]?.id, alarm.id, 'cleared between the levels');
      station.pass(1, worse);
      assert.equal((await station.api('list'))[0]?.severity, 'critical');
      station.pass(CLEAR_MS / 1000 - 1);
      station.pass(1, edge);
      station.pass(CLEAR_MS / 1000 - 1);
      assert.equal((await station.api('list')).length, 1, 'cleared although it did not last');
      station.pass(3);
      assert.deepEqual(await station.api('list'), []);
      const story = ['raised', 'escalated', 'cleared'].map((event) =>
        [event, rule, subject, event === 'raised' ? 'warning' : 'critical'].join(' '),
      );
      await station.until(() => station.pager.told.length === story.length);
      await station.until(() => station.streamed.length === story.length);
      assert.deepEqual(said(station.pager.told), story);
      assert.deepEqual(said(station.streamed), story);
      assert.deepEqual(logged(), story);
      assert.deepEqual(
        station.pager.told,
        station.streamed.map((told, index) => ({
          ...told,
          server: (station.pager.told[index] as unknown as { server: object }).server,
        })),
      );
      assert.equal(station.pager.forged, 0);
      const [past] = await station.api('history');
      assert.deepEqual(past, station.pager.told.at(-1)?.alarm);
      assert.ok((past?.clearedAt ?? 0) > (past?.raisedAt ?? 0));
    });
  }

  it('are acknowledged by somebody with a name, until they get worse', async () => {
    station.pass(5, drives.disk.bad);
    const [alarm] = await station.api('list');
    const body = { id: alarm?.id };
    const answer = await http(station.base, 'POST', '/api/v1/alarm/acknowledge', { body });
    assert.equal((answer.json.alarm as AlarmState).acknowledgedBy, 'eve');
    assert.equal((await station.api('list'))[0]?.acknowledgedBy, 'eve');
    station.pass(1, drives.disk.worse);
    assert.equal((await station.api('list'))[0]?.acknowledgedBy, '');
    const none = await http(station.base, 'POST', '/api/v1/alarm/acknowledge', {
      body: { id: 99 },
    });
    assert.deepEqual([none.status, none.json.rule], [404, 'alarm-raised']);
    await station.until(() => station.pager.told.length === 3);
    const events = station.pager.told.map(({ event }) => event);
    assert.deepEqual(events, ['raised', 'acknowledged', 'escalated']);
  });

  it('go to a webhook that was down, once each, in order', async () => {
    station.pager.failures = 2;
    station.pass(5, drives.disk.bad);
    station.pass(5, drives.disk.worse);
    await station.until(() => station.pager.told.length === 2);
    assert.deepEqual(said(station.pager.told), [
      'raised disk data warning',
      'escalated disk data critical',
    ]);
    const [first] = station.pager.ids;
    assert.deepEqual(station.pager.ids.slice(0, 3), [first, first, first]);
    assert.notEqual(station.pager.ids[3], first);
  });

  it('stay in the history over a restart, which ends them', async () => {
    station.pass(5, drives.memory.bad);
    const [alarm] = await station.api('history');
    assert.equal(alarm?.clearedAt, 0);
    const { store } = station.services.services;
    const log = pino({ level: 'silent' });
    const next = new Alarms({ config: configFromObject({}), version: '2', store, log });
    await next.open();
    const [past] = await next.past(10);
    assert.equal(past?.id, alarm?.id);
    assert.ok((past?.clearedAt ?? 0) > 0);
    next.watch(sampleAt(1000, drives.memory.bad), undefined);
    next.watch(sampleAt(9000, drives.memory.bad), undefined);
    assert.equal(next.raised()[0]?.id, (alarm?.id ?? 0) + 1);
    await next.close();
  });

  it('see a disk that does not answer at all: no commit ends, so none is measured', async () => {
    const waiting = (depth: number, popped: number): Over => ({
      engine: {
        queues: [
          {
            name: 'shard-0→store-0',
            unit: 'batches',
            limit: 1024,
            depth,
            high_water: 1,
            pushed: depth + popped,
            popped,
            refused: 0,
            wait_us: NO_TIME,
          },
        ],
      },
    });
    // Something is always under way, and always something else.
    for (let second = 0; second < 10; second++) station.pass(1, waiting(1, second));
    assert.deepEqual(await station.api('list'), []);
    station.pass(6, waiting(1, 9));
    const [alarm] = await station.api('list');
    const { rule, subject, severity } = alarm ?? assert.fail('it was not seen');
    assert.deepEqual([rule, subject, severity], ['commitTime', 'store-0', 'critical']);
    station.pass(12, waiting(0, 10));
    assert.deepEqual(await station.api('list'), []);
  });

  it('of what is no longer there are cleared; rules that are off are silent', async () => {
    station.pass(5, drives.commitTime.bad);
    assert.equal((await station.api('list')).length, 1);
    station.pass(1, { engine: { stores: [] } });
    assert.deepEqual(await station.api('list'), []);
    const config = configFromObject({ alarms: { off: ['disk'] } });
    const { store } = station.services.services;
    const alarms = new Alarms({ config, version: '1', store, log: pino({ level: 'silent' }) });
    await alarms.open();
    alarms.watch(sampleAt(1000, drives.disk.worse), undefined);
    assert.deepEqual(alarms.watch(sampleAt(9000, drives.disk.worse), undefined), []);
    await alarms.close();
  });

  it('have levels that make sense, or the configuration is refused', () => {
    const refused = (alarms: object): void =>
      assert.throws(() => configFromObject({ alarms }), /alarms\./u);
    refused({ queue: { clear: 60 } });
    refused({ queue: { critical: 40 } });
    refused({ disk: { clear: 10 } });
    refused({ disk: { critical: 20 } });
    refused({ off: ['weather'] });
    refused({ webhook: { url: 'https://pager.example.org/' } });
    configFromObject({ alarms: { queue: { warning: 70, critical: 70, clear: 69 } } });
  });

  it('are documented as they are (else: npm run generate:alarms)', () => {
    const file = new URL('../../docs/ALARMS.md', import.meta.url);
    assert.equal(readFileSync(file, 'utf8'), alarmsReference(configFromObject({})));
  });
});
