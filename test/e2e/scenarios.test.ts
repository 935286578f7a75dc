// Performs the plays of test/scenarios against the real server, one server for each configuration.
// To try the plays themselves against another server, whose accounts you have made:
//   PLAYS_SERVER=127.0.0.1:5222:5223 mocha test/e2e/scenarios.test.ts
// (PLAYS_LIST=file writes the accounts that are needed, and performs nothing.)

import { writeFileSync } from 'node:fs';
import type { ConfigInput } from '../../src/config/schema.js';
import { type Play, readPlays } from './support/play.js';
import { accountOf, perform } from './support/play-runner.js';
import type { Endpoint } from './support/raw-client.js';
import { TestServer } from './support/server.js';

const folder = new URL('../scenarios', import.meta.url).pathname;

const configurations: Record<string, ConfigInput> = {
  open: { xmpp: { starttls: 'optional', plainAuthWithoutTls: true } },
  required: { xmpp: { starttls: 'required' } },
  closed: { xmpp: { starttls: 'off' } },
  small: {
    xmpp: { starttls: 'off' },
    limits: {
      maxStanzaBytes: 10_000,
      maxUnauthenticatedBytes: 10_000,
      maxDepth: 8,
      maxAttributes: 8,
      unauthenticatedSeconds: 1,
      maxMailboxMessages: 2,
      resumeSeconds: 1,
    },
  },
};

const plays = readPlays(folder);
const accounts = plays.flatMap((play, index) =>
  [...play.users].map((user) => accountOf(play, index, user)),
);

function externalEndpoint(): Endpoint | undefined {
  const [host, port, tlsPort] = process.env.PLAYS_SERVER?.split(':') ?? [];
  if (host === undefined) return undefined;
  return { domain: 'localhost', host, port: Number(port), tlsPort: Number(tlsPort) };
}

function describePlays(name: string, chosen: readonly [Play, number][]): void {
  describe(`plays, server "${name}"`, () => {
    let server: TestServer | undefined;
    let endpoint = externalEndpoint();

    before(async function () {
      this.timeout(60_000);
      if (endpoint !== undefined) return;
      const own = accounts.filter((account) => account.includes(`-${name}-`));
      server = await TestServer.start({ config: configurations[name] ?? {}, accounts: own });
      endpoint = server.endpoint;
    });
    after(() => server?.remove());

    for (const [play, index] of chosen) {
      it(`${play.file}: ${play.title}`, async () => {
        if (endpoint === undefined) throw new Error('no server');
        await perform(play, index, endpoint);
      });
    }
  });
}

if (process.env.PLAYS_LIST === undefined) {
  for (const name of Object.keys(configurations)) {
    describePlays(
      name,
      plays.map((play, index): [Play, number] => [play, index]).filter(([p]) => p.server === name),
    );
  }
} else {
  writeFileSync(process.env.PLAYS_LIST, accounts.map((account) => `${account}\n`).join(''));
}
