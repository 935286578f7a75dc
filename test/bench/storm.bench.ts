// The reconnect storm: everybody is logged in, the server is killed and started again, and all
// return at once, while pairs who were back before them go on writing at a steady rate. What the
// pairs notice, and how long it takes until all are back: beside Debian's ejabberd where it is
// installed, in the same run. Settings: ROOKERY_BENCH_CONNECTIONS (15000), ROOKERY_BENCH_RATE
// (messages a second of 100 pairs together, 1000), ROOKERY_BENCH_PACE (of a shard; the
// server's default), ROOKERY_BENCH_ACKS (XEP-0198, 0), ROOKERY_BENCH_EJABBERD (1).

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestServer } from '../e2e/support/server.js';
import { addBenchAccounts } from './common/accounts.js';
import { type Figure, report, runLoad, setting } from './common/driver.js';
import { Ejabberd, hasEjabberd } from './common/ejabberd.js';

const PAIRS = 100;
const LOOK_MS = 20;

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

interface StormResult {
  readonly back: number;
  readonly secondsUntilAllBack: number;
  readonly retries: number;
  readonly cpuUsPerLoginWithChat?: number;
  readonly residentBytes?: number;
  readonly loginLatencyUs?: Percentiles;
  readonly latencyUs: Percentiles;
  readonly calmLatencyUs: Percentiles;
  readonly lost: number;
  readonly duplicates: number;
  readonly disordered: number;
  readonly unsent: number;
  readonly lostConnections: number;
}

interface Restartable {
  readonly pid: number;
  kill(): Promise<void>;
  restart(): Promise<void>;
  remove(): Promise<void>;
}

const connections = setting('ROOKERY_BENCH_CONNECTIONS', 15_000);
const rate = setting('ROOKERY_BENCH_RATE', 1000);
const accounts = connections + 2 * PAIRS;

/** A port that is free now, for a server that has to come back to it. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** Runs the storm; the load generator asks for the restart through a file. */
async function storm(server: Restartable, port: number): Promise<StormResult> {
  const folder = mkdtempSync(join(tmpdir(), 'rookery-storm-'));
  const wish = join(folder, 'restart');
  const over = new AbortController();
  const restarting = (async () => {
    while (!existsSync(wish)) {
      if (over.signal.aborted) return;
      await sleep(LOOK_MS);
    }
    await server.kill();
    await server.restart();
  })();
  try {
    const { result } = await runLoad<StormResult>('storm', {
      server: `127.0.0.1:${port}`,
      connections,
      pairs: PAIRS,
      rate,
      acks: setting('ROOKERY_BENCH_ACKS', 0),
      'restart-command': `touch ${wish}`,
    });
    return result;
  } finally {
    over.abort();
    await restarting;
    rmSync(folder, { recursive: true, force: true });
  }
}

function figuresOf(who: string, result: StormResult, ours: boolean): Figure[] {
  const figure = (what: string, unit: string, value: number, atMost?: number): Figure => ({
    what: `${who}: ${what}`,
    unit,
    value,
    ...(atMost === undefined || !ours ? {} : { atMost }),
  });
  const { latencyUs: chat, calmLatencyUs: calm, loginLatencyUs: login } = result;
  const harm =
    result.lost + result.duplicates + result.disordered + result.lostConnections + result.unsent;
  return [
    figure('of all, not back', '', connections - result.back, 0),
    figure('until all were back', 's', result.secondsUntilAllBack),
    figure('logins tried again', '', result.retries),
    figure('a login took, half', 's', (login?.p50 ?? Number.NaN) / 1e6),
    figure('a login took, 99 %', 's', (login?.p99 ?? Number.NaN) / 1e6),
    figure('CPU of a login, the chat included', 'µs', result.cpuUsPerLoginWithChat ?? Number.NaN),
    figure('chat before, 99 %', 'ms', calm.p99 / 1000),
    figure('chat in the storm, half', 'ms', chat.p50 / 1000),
    figure('chat in the storm, 99 %', 'ms', chat.p99 / 1000),
    figure('chat in the storm, 99.9 %', 'ms', chat.p999 / 1000),
    figure('chat in the storm, longest', 'ms', chat.max / 1000),
    figure('messages lost, twice, out of order, cut off', '', harm, 0),
  ];
}

async function ourStorm(): Promise<StormResult> {
  const port = await freePort();
  const loginsPerSecond = setting('ROOKERY_BENCH_PACE', 2000);
  const server = await TestServer.start({
    config: {
      shards: 2,
      xmpp: { listen: [`127.0.0.1:${port}`], starttls: 'off' },
      limits: { loginsPerSecond, acceptsPerSecond: 5000 },
    },
    beforeStart: async (folder, configFile) => {
      await addBenchAccounts(configFile, folder, accounts);
    },
  });
  try {
    return await storm(server, port);
  } finally {
    await server.remove();
  }
}

async function theirStorm(): Promise<StormResult> {
  const port = await freePort();
  const server = await Ejabberd.start(port, accounts);
  try {
    return await storm(server, port);
  } finally {
    await server.remove();
  }
}

const ours = await ourStorm();
const figures = figuresOf(`${connections} return, ours`, ours, true);
const raw: object[] = [ours];
if (setting('ROOKERY_BENCH_EJABBERD', 1) === 1 && hasEjabberd()) {
  const theirs = await theirStorm();
  figures.push(...figuresOf(`${connections} return, ejabberd`, theirs, false));
  raw.push(theirs);
}
report('storm', figures, raw);
