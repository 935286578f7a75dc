// As many connections as one process holds: 39,000 on 2 shards, then 200,000 on 12, each of which
// logs in (SCRAM-SHA-1), becomes available, idles, and is sent a message of its own. A descriptor
// table holds 20,000 on the machine that this is made for, so what is tried is also that a shard's
// table counts alone, and that homes which hash(user) fills unevenly have room.
// ROOKERY_BENCH_CROWDS=39000/2/2,200000/12/10 (connections/shards/devices of an account),
// ROOKERY_BENCH_SECURITY=none (or direct).

import { callServer } from '../../src/cli/admin-client.js';
import { serverStatus } from '../../src/operations/server-operations.js';
import { TestServer } from '../e2e/support/server.js';
import { accountNames, type Figure, report, runLoad, settled } from './common/driver.js';

interface Plan {
  readonly connections: number;
  readonly shards: number;
  readonly devices: number;
}

interface Result {
  readonly ready: number;
  readonly lost: number;
  readonly receivedMessage: number;
  readonly anonymousBytesPerConnection: number;
  readonly rssBytesPerConnection: number;
  readonly rssBytes: number;
  readonly kernelBytesPerConnectionBothEnds: number;
  readonly idleCpuPercent: number;
  readonly loginSeconds: number;
  readonly loginCpuUsEach: number;
  readonly messageSeconds: number;
}

type Counters = Readonly<Record<string, number>>;
interface Status {
  readonly engine: {
    readonly shards: readonly { readonly counters: Counters }[];
    readonly counters: Counters;
  };
}

const LOOK_MS = 2000;
const WARM_LOGINS = 10_000;
const security = process.env.ROOKERY_BENCH_SECURITY ?? 'none';
const plans = (process.env.ROOKERY_BENCH_CROWDS ?? '39000/2/2,200000/12/10')
  .split(',')
  .map((text): Plan => {
    const [connections = 0, shards = 2, devices = 1] = text.split('/').map(Number);
    return { connections, shards, devices };
  });
const accounts = Math.max(...plans.map(accountsOf));

function accountsOf({ connections, devices }: Plan): number {
  return Math.ceil(connections / devices);
}

async function look(data: string): Promise<Status> {
  return (await callServer(data, serverStatus, {})) as unknown as Status;
}

/** Looks until everybody is logged in, then no more: a look would count as idle CPU. */
async function spread(data: string, sessions: number, gone: AbortSignal): Promise<number[]> {
  while (!gone.aborted) {
    const { engine } = await look(data);
    if ((engine.counters.sessions ?? 0) >= sessions) {
      return engine.shards.map(({ counters }) => counters.connections ?? 0);
    }
    await new Promise((wake) => setTimeout(wake, LOOK_MS));
  }
  return [];
}

async function measure(
  plan: Plan,
  server: TestServer,
  data: string,
): Promise<{ figures: Figure[]; raw: object }> {
  const { connections: count, shards, devices } = plan;
  await settled(server.pid);
  const gone = new AbortController();
  const spreading = spread(data, count, gone.signal);
  const { result } = await runLoad<Result>('idle', {
    server: `127.0.0.1:${security === 'direct' ? server.tlsPort : server.port}`,
    pid: server.pid,
    connections: count,
    resources: devices,
    security,
    parallel: 20 * Math.max(2, Math.ceil(count / 15_000)),
    'per-source': 10_000,
    'warm-logins': WARM_LOGINS,
  }).finally(() => gone.abort());
  const perShard = await spreading;
  const { counters } = (await look(data)).engine;
  const refused = (counters.home_full ?? 0) + (counters.accepts_refused ?? 0);
  const what = `${count} on ${shards} shards, ${accountsOf(plan)} accounts`;
  const figure = (name: string, unit: string, value: number, limit: object = {}): Figure => ({
    what: `${what}: ${name}`,
    unit,
    value,
    ...limit,
  });
  const figures = [
    figure('logged in', '', result.ready, { atLeast: count }),
    figure('received their message', '', result.receivedMessage, { atLeast: count }),
    figure('lost', '', result.lost, { atMost: 0 }),
    figure('refused', '', refused, { atMost: 0 }),
    figure('on the fullest shard', '', Math.max(0, ...perShard)),
    figure('on the emptiest shard', '', Math.min(count, ...perShard)),
    figure('our memory each', 'B', result.anonymousBytesPerConnection, { atMost: 700 }),
    figure('resident, whole process', 'MiB', result.rssBytes / 2 ** 20),
    figure('kernel memory each, both ends', 'B', result.kernelBytesPerConnectionBothEnds),
    figure('CPU while idle', '%', result.idleCpuPercent, { atMost: 0.2 }),
    figure('time to log in', 's', result.loginSeconds),
    figure('server CPU of a login', 'µs', result.loginCpuUsEach),
    figure('time to reach everybody', 's', result.messageSeconds),
  ];
  return { figures, raw: { plan, perShard, counters, result } };
}

const figures: Figure[] = [];
const raw: object[] = [];
// The accounts take longest; every run uses the same folder, which any number of shards can.
const first = await TestServer.start({ accounts: accountNames(accounts) });
try {
  await first.stop();
  for (const plan of plans) {
    const server = await TestServer.start({
      config: {
        data: first.data,
        shards: plan.shards,
        limits: { maxSessionsPerUser: Math.max(32, plan.devices) },
      },
      readyTimeoutMs: 60_000,
    });
    try {
      const measured = await measure(plan, server, first.data);
      figures.push(...measured.figures);
      raw.push(measured.raw);
    } finally {
      await server.remove();
    }
  }
} finally {
  await first.remove();
}
report('connections', figures, raw);
