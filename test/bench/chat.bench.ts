// CPU of the server for one chat message, as a ratio to a bare epoll relay of the same frames in
// the
// same run, with and without acknowledgements (XEP-0198). Settings: ROOKERY_BENCH_ROUNDS,
// ROOKERY_BENCH_MS (length of a round).

import { TestServer } from '../e2e/support/server.js';
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

// Budgets: a ratio where one message is under way, microseconds where there are more.
const cases = [
  { pairs: 100, outstanding: 1, acks: 0, ratioAtMost: 2 },
  { pairs: 100, outstanding: 16, acks: 0, cpuAtMost: 2.5 },
  { pairs: 1000, outstanding: 4, acks: 0, cpuAtMost: 8 },
  { pairs: 100, outstanding: 1, acks: 1, ratioAtMost: 4 },
  { pairs: 100, outstanding: 16, acks: 1, cpuAtMost: 4 },
  { pairs: 1000, outstanding: 4, acks: 1, cpuAtMost: 12 },
];

const server = await TestServer.start({
  config: { shards: 2, xmpp: { starttls: 'off' } },
  accounts: accountNames(2000),
});
const relay = await startRelay(RELAY_PORT, RELAY_SECONDS);
const figures: Figure[] = [];
const raw: unknown[] = [];
try {
  for (const { pairs, outstanding, acks, ratioAtMost, cpuAtMost } of cases) {
    const { result, good } = await runTool<ChatResult>('chat_bench', {
      server: `127.0.0.1:${server.port}`,
      relay: `127.0.0.1:${RELAY_PORT}`,
      pid: server.pid,
      pairs,
      outstanding,
      acks,
      rounds: setting('ROOKERY_BENCH_ROUNDS', 5),
      ms: setting('ROOKERY_BENCH_MS', 2000),
    });
    raw.push(result);
    const what = `${pairs} pairs × ${outstanding}${acks === 1 ? ', acknowledged' : ''}`;
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
