// What a login costs the server, from connect to a usable session: SCRAM-SHA-1, bind, presence.

import { TestServer } from '../e2e/support/server.js';
import { accountNames, report, runTool, type Spread, setting } from './common/driver.js';

const logins = setting('ROOKERY_BENCH_LOGINS', 2000);
const server = await TestServer.start({
  config: { shards: 2, xmpp: { starttls: 'off' } },
  accounts: accountNames(logins),
});
try {
  const { result } = await runTool<{ cpuUsPerLogin: Spread; loginsPerSecond: Spread }>(
    'login_bench',
    {
      server: `127.0.0.1:${server.port}`,
      pid: server.pid,
      count: logins,
      rounds: setting('ROOKERY_BENCH_ROUNDS', 5),
    },
  );
  report(
    'login',
    [
      {
        what: 'login: CPU of the server',
        unit: 'µs',
        value: result.cpuUsPerLogin.median,
        spread: result.cpuUsPerLogin,
        atMost: 250,
      },
      {
        what: 'logins',
        unit: '/s',
        value: result.loginsPerSecond.median,
        spread: result.loginsPerSecond,
      },
    ],
    result,
  );
} finally {
  await server.remove();
}
