// Memory and CPU of idle connections, and that each can still receive a message. Settings:
// ROOKERY_BENCH_CONNECTIONS (15000), ROOKERY_BENCH_SHARDS (2), ROOKERY_BENCH_RESOURCES (connections
// of one account, 1), ROOKERY_BENCH_SECURITY (some of none, direct, ws, wss and compact; ws and wss
// are WebSockets), ROOKERY_BENCH_WARM_LOGINS.

import { TestServer } from '../e2e/support/server.js';
import { addBenchDevices, serverKey } from './common/devices.js';
import { accountNames, type Figure, report, runLoad, setting, settled } from './common/driver.js';

interface IdleResult {
  readonly connections: number;
  readonly ready: number;
  readonly lost: number;
  readonly receivedMessage: number;
  readonly anonymousBytesPerConnection: number;
  readonly anonymousBytesPerConnectionSecondHalf: number;
  readonly rssBytesPerConnection: number;
  readonly idleCpuPercent: number;
  readonly loginSeconds: number;
}

const count = setting('ROOKERY_BENCH_CONNECTIONS', 15_000);
const resources = setting('ROOKERY_BENCH_RESOURCES', 1);
const securities = process.env.ROOKERY_BENCH_SECURITY?.split(',') ?? [
  'none',
  'direct',
  'wss',
  'compact',
];
const names: Readonly<Record<string, string>> = {
  none: 'plain',
  direct: 'TLS 1.3',
  compact: 'compact',
  ws: 'WebSocket',
  wss: 'WebSocket, TLS 1.3',
};

const figures: Figure[] = [];
const raw: unknown[] = [];

const users = accountNames(Math.ceil(count / resources));
for (const security of securities) {
  const tls = security === 'direct' || security === 'wss';
  const server = await TestServer.start({
    config: {
      shards: setting('ROOKERY_BENCH_SHARDS', 2),
      limits: { maxSessionsPerUser: Math.max(32, resources) },
    },
    accounts: users,
    beforeStart: async (folder) => {
      if (security === 'compact') await addBenchDevices(folder, users, resources);
    },
  });
  try {
    // V8 gives back what it needed to start while the connections come, which would hide their
    // memory: wait until the process has stopped shrinking.
    await settled(server.pid);
    const { result } = await runLoad<IdleResult>('idle', {
      server: `127.0.0.1:${portOf(server, security)}`,
      pid: server.pid,
      connections: count,
      resources,
      security: tls ? 'direct' : 'none',
      protocol: protocolOf(security),
      'server-key': await serverKey(server),
      parallel: tls ? 40 : 100,
      'warm-logins': setting('ROOKERY_BENCH_WARM_LOGINS', 10_000),
    });
    raw.push(result);
    const what = `${count} idle, ${names[security]}`;
    const figure = (name: string, unit: string, value: number, atMost?: number): Figure => ({
      what: `${what}: ${name}`,
      unit,
      value,
      ...(atMost === undefined ? {} : { atMost }),
    });
    figures.push(
      figure('memory each', 'B', result.anonymousBytesPerConnection, 700),
      figure('memory each, second half', 'B', result.anonymousBytesPerConnectionSecondHalf),
      figure('CPU', '%', result.idleCpuPercent, 0.2),
      figure('not ready, or not reached by a message', '', missing(result), 0),
      figure('time to log in', 's', result.loginSeconds),
    );
  } finally {
    await server.remove();
  }
}

function protocolOf(security: string): string {
  if (security === 'compact') return 'compact';
  return security.startsWith('ws') ? 'websocket' : 'xmpp';
}

function portOf(server: TestServer, security: string): number {
  const { port, tlsPort, wsPort, wssPort, compactPort } = server;
  const ports = { none: port, direct: tlsPort, ws: wsPort, wss: wssPort, compact: compactPort };
  return ports[security as keyof typeof ports];
}

function missing(result: IdleResult): number {
  return 2 * result.connections - result.ready - result.receivedMessage + result.lost;
}

report('idle', figures, raw);
