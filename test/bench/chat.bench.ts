// CPU of the server for one chat message, as a ratio to a bare epoll relay of the same frames in
// the same run: XMPP with and without acknowledgements (XEP-0198), and the compact protocol, which
// always acknowledges and encrypts. Settings: ROOKERY_BENCH_ROUNDS, ROOKERY_BENCH_MS (length of a
// round).

import { TestServer } from '../e2e/support/server.js';
import { addBenchDevices, serverKey } from './common/devices.js';
import {
  accountNames,
  type Figure,
  report,
  runTool,
  type Spread,
  setting,
  startRelay,
} from './common/driver.js';

const RELAY_PORT = 25_333;
const RELAY_SECONDS = 900;

interface Side {
  readonly messages: number;
  readonly missing: number;
  readonly wrong: number;
  readonly lostConnections: number;
  readonly cpuUsPerMessage: Spread;
  readonly messagesPerSecond: Spread;
  readonly latencyP50Us: Spread;
  readonly latencyP99Us: Spread;
}
interface ChatResult {
  readonly ratio: Spread;
  readonly relay: Side;
  readonly server: Side;
}

interface Case {
  readonly pairs: number;
  readonly outstanding: number;
  readonly acks: number;
  readonly protocol?: 'compact';
  readonly ratioAtMost?: number;
  readonly cpuAtMost?: number;
}

// Budgets: a ratio where one message is under way, microseconds where there are more.
const cases: readonly Case[] = [
  { pairs: 100, outstanding: 1, acks: 0, ratioAtMost: 2 },
  { pairs: 100, outstanding: 16, acks: 0, cpuAtMost: 2.5 },
  { pairs: 1000, outstanding: 4, acks: 0, cpuAtMost: 8 },
  { pairs: 100, outstanding: 1, acks: 1, ratioAtMost: 4 },
  { pairs: 100, outstanding: 16, acks: 1, cpuAtMost: 4 },
  { pairs: 1000, outstanding: 4, acks: 1, cpuAtMost: 12 },
  { pairs: 100, outstanding: 1, acks: 1, protocol: 'compact', ratioAtMost: 3 },
  { pairs: 100, outstanding: 16, acks: 1, protocol: 'compact' },
  { pairs: 1000, outstanding: 4, acks: 1, protocol: 'compact' },
];

const server = await TestServer.start({
  config: { shards: 2, xmpp: { starttls: 'off' } },
  accounts: accountNames(2000),
  beforeStart: (folder) => addBenchDevices(folder, accountNames(2000)),
});
const key = await serverKey(server);
const relay = await startRelay(RELAY_PORT, RELAY_SECONDS);
const figures: Figure[] = [];
const raw: unknown[] = [];
try {
  for (const { pairs, outstanding, acks, protocol, ratioAtMost, cpuAtMost } of cases) {
    const { result, good } = await runTool<ChatResult>('chat_bench', {
      server: `127.0.0.1:${protocol === undefined ? server.port : server.compactPort}`,
      protocol: protocol ?? 'xmpp',
      'server-key': key,
      relay: `127.0.0.1:${RELAY_PORT}`,
      pid: server.pid,
      pairs,
      outstanding,
      acks,
      rounds: setting('ROOKERY_BENCH_ROUNDS', 5),
      ms: setting('ROOKERY_BENCH_MS', 2000),
    });
    raw.push(result);
    const how = protocol ?? (acks === 1 ? 'acknowledged' : 'plain');
    const what = `${pairs} pairs × ${outstanding}, ${how}`;
    const { server: ours, relay: bare } = result;
    const spread = ours.cpuUsPerMessage;
    figures.push(
      {
        what: `${what}: CPU, ratio to the relay`,
        unit: '×',
        value: result.ratio.median,
        spread: result.ratio,
        ...(ratioAtMost === undefined ? {} : { atMost: ratioAtMost }),
      },
      {
        what: `${what}: CPU of the server`,
        unit: 'µs',
        value: spread.median,
        spread,
        ...(cpuAtMost === undefined ? {} : { atMost: cpuAtMost }),
      },
      {
        what: `${what}: CPU of the relay`,
        unit: 'µs',
        value: bare.cpuUsPerMessage.median,
        spread: bare.cpuUsPerMessage,
      },
      { what: `${what}: messages`, unit: '/s', value: ours.messagesPerSecond.median },
      { what: `${what}: latency, half`, unit: 'µs', value: ours.latencyP50Us.median },
      { what: `${what}: latency, 99 %`, unit: 'µs', value: ours.latencyP99Us.median },
      {
        what: `${what}: lost, wrong, cut off`,
        unit: '',
        value: ours.missing + ours.wrong + ours.lostConnections + (good ? 0 : 1),
        atMost: 0,
      },
    );
  }
} finally {
  relay.kill();
  await server.remove();
}
report('chat', figures, raw);
