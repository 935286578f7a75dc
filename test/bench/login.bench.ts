// What a login costs the server, from connect to a usable session: SCRAM-SHA-1, bind, presence; and
// what it costs a known device in the compact protocol, the Noise handshake included.

import { TestServer } from '../e2e/support/server.js';
import { addBenchDevices, serverKey } from './common/devices.js';
import {
  accountNames,
  type Figure,
  report,
  runLoad,
  type Spread,
  setting,
} from './common/driver.js';

const logins = setting('ROOKERY_BENCH_LOGINS', 2000);
const server = await TestServer.start({
  config: { shards: 2, xmpp: { starttls: 'off' } },
  accounts: accountNames(logins),
  beforeStart: (folder) => addBenchDevices(folder, accountNames(logins)),
});
const ways = [
  { what: 'login', protocol: 'xmpp', port: server.port, atMost: 250 },
  { what: 'login, compact', protocol: 'compact', port: server.compactPort, atMost: 300 },
];
const figures: Figure[] = [];
const raw: unknown[] = [];
try {
  for (const { what, protocol, port, atMost } of ways) {
    const { result } = await runLoad<{ cpuUsPerLogin: Spread; loginsPerSecond: Spread }>('logins', {
      server: `127.0.0.1:${port}`,
      protocol,
      'server-key': await serverKey(server),
      pid: server.pid,
      connections: logins,
      parallel: 32,
      rounds: setting('ROOKERY_BENCH_ROUNDS', 5),
    });
    raw.push(result);
    const { cpuUsPerLogin: cpu, loginsPerSecond: rate } = result;
    figures.push(
      { what: `${what}: CPU of the server`, unit: 'µs', value: cpu.median, spread: cpu, atMost },
      { what: `${what}: logins`, unit: '/s', value: rate.median, spread: rate },
    );
  }
} finally {
  await server.remove();
}
report('login', figures, raw);
