// Messages to users who are offline: how fast they are accepted durably, and that all arrive once,
// in the order of their senders. Settings: ROOKERY_BENCH_MESSAGES (from each of 500 senders).

import { TestServer } from '../e2e/support/server.js';
import { accountNames, report, runLoad, setting } from './common/driver.js';

interface OfflineResult {
  readonly messagesPerSecond: number;
  readonly cpuUsPerMessage: number;
  readonly acknowledged: number;
  readonly received: number;
  readonly errors: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  readonly withoutDelayStamp: number;
  readonly receivedAgain: number;
}

const senders = 500;
const recipients = 2000;
const messages = setting('ROOKERY_BENCH_MESSAGES', 100);
const server = await TestServer.start({
  config: { shards: 2, xmpp: { starttls: 'off' } },
  accounts: accountNames(senders + recipients),
});
try {
  const { result } = await runLoad<OfflineResult>('offline', {
    server: `127.0.0.1:${server.port}`,
    pid: server.pid,
    senders,
    messages,
    recipients,
    parallel: 100,
  });
  const what = `${senders} senders × ${messages} to ${recipients} absent users`;
  const wrong =
    result.errors +
    result.duplicates +
    result.outOfOrder +
    result.withoutDelayStamp +
    result.receivedAgain +
    Math.abs(senders * messages - result.received) +
    Math.abs(senders * messages - result.acknowledged);
  report(
    'offline',
    [
      { what: `${what}: accepted`, unit: '/s', value: result.messagesPerSecond, atLeast: 50_000 },
      { what: `${what}: CPU of the server`, unit: 'µs', value: result.cpuUsPerMessage },
      { what: `${what}: lost, twice, out of order`, unit: '', value: wrong, atMost: 0 },
    ],
    result,
  );
} finally {
  await server.remove();
}
