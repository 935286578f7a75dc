// What a login gives away and what it costs others: names without an account, names beyond ASCII,
// passwords that are compared while others chat.

import assert from 'node:assert/strict';
import { type Mechanism, RawClient } from './support/raw-client.js';
import { PASSWORD, TestServer } from './support/server.js';

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const ITERATIONS = 6000;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** What the server answers to the first message of a name. */
async function challenge(server: TestServer, user: string, mechanism: Mechanism): Promise<string> {
  const client = new RawClient(server.endpoint, user);
  await client.connect();
  await client.openStream();
  client.send(
    `<auth xmlns='${SASL}' mechanism='${mechanism}'>${base64(`n,,n=${user},r=abc`)}</auth>`,
  );
  const answer = await client.element();
  client.cut();
  assert.equal(answer.name, 'challenge');
  return Buffer.from(answer.getText(), 'base64').toString();
}

describe('logins', function () {
  this.timeout(120_000);
  let server: TestServer;

  const start = async (config: object, accounts: readonly string[]): Promise<void> => {
    const xmpp = { starttls: 'optional', plainAuthWithoutTls: true } as const;
    server = await TestServer.start({ config: { xmpp, ...config }, accounts });
  };
  afterEach(() => server.remove());

  it('a name without an account answers as if it had one, always the same', async () => {
    const ghosts = ['ghost', 'spirit', 'wraith', 'shade'];
    await start({ accounts: { scramIterations: ITERATIONS }, shards: 4 }, ['ann']);
    const seen = new Map<string, string>();
    const look = async (): Promise<void> => {
      for (const user of ['ann', ...ghosts]) {
        for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256'] as const) {
          const [, salt = '', rounds = ''] = (await challenge(server, user, mechanism)).split(',');
          assert.equal(rounds, `i=${ITERATIONS}`);
          assert.equal(Buffer.from(salt.slice(2), 'base64').length, 16);
          const key = `${user} ${mechanism}`;
          assert.equal(seen.get(key) ?? salt, salt, key);
          seen.set(key, salt);
        }
      }
    };
    // Connections land on any shard; every one gives the same answer.
    for (let round = 0; round < 4; round++) await look();
    await server.stop();
    await server.restart();
    await look();
    assert.equal(new Set(seen.values()).size, 2 * (1 + ghosts.length));

    for (const user of ['ann', 'ghost']) {
      for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'PLAIN'] as const) {
        const client = new RawClient(server.endpoint, user);
        await client.connect();
        await client.openStream();
        const failure = await client.tryAuthenticate(mechanism, 'wrong');
        const condition = failure.getChildElements().map((child) => child.name);
        assert.deepEqual([failure.name, condition], ['failure', ['not-authorized']]);
        client.cut();
      }
    }
  });

  it('every name that can be an account can log in', async () => {
    const names: readonly (readonly [string, string])[] = [
      ['J\u00dcRGEN', 'ju\u0308rgen'],
      ['\uff21nna', 'anna'],
      ['stra\u00dfe', 'stra\u00dfe'],
      ['\u05d3\u05d5\u05d3', '\u05d3\u05d5\u05d3'],
      ['\u30a2\u30fb\u30a2', '\u30a2\u30fb\u30a2'],
      ['o!#$%()*+,-.;=?[]^_`{|}~', 'O!#$%()*+,-.;=?[]^_`{|}~'],
    ];
    await start({}, []);
    await Promise.all(names.map(([made]) => server.cli('account', 'add', made, PASSWORD)));
    for (const [, typed] of names) {
      for (const mechanism of ['SCRAM-SHA-256', 'PLAIN'] as const) {
        // A comma and an equals sign have another form in SCRAM.
        const plain = mechanism === 'PLAIN';
        const user = plain ? typed : typed.replaceAll('=', '=3D').replaceAll(',', '=2C');
        const client = new RawClient(server.endpoint, user);
        await client.login({ mechanism });
        await client.logout();
      }
    }
    for (const bad of ['a\u05d0', 'a\u00b7b', 'a\u200db', 'a b', 'a@elsewhere']) {
      await assert.rejects(server.cli('account', 'add', bad, PASSWORD), bad);
    }
  });

  it('passwords are compared beside the chat, and only so many wait', async () => {
    const users = Array.from({ length: 24 }, (_, index) => `user${index}`);
    // Some 50 ms a password, and one shard for everybody.
    const limits = { maxPasswordChecks: 4 };
    await start({ shards: 1, accounts: { scramIterations: 100_000 }, limits }, [...users, 'ann']);
    const ann = new RawClient(server.endpoint, 'ann');
    await ann.login();
    const clients = users.map((user) => new RawClient(server.endpoint, user));
    for (const client of clients) {
      await client.connect();
      await client.openStream();
    }
    let answered = 0;
    const outcomes = Promise.all(
      clients.map(async (client) => {
        const outcome = await client.tryAuthenticate('PLAIN', PASSWORD);
        answered++;
        return outcome.getChildElements()[0]?.name ?? outcome.name;
      }),
    );
    const ping = async (id: string): Promise<void> => {
      ann.send(`<iq type='get' id='${id}'><ping xmlns='urn:xmpp:ping'/></iq>`);
      await ann.until((element) => element.attrs.id === id);
    };
    // The first is behind all the logins in the shard's turn; the second shows that it goes on.
    await ping('p1');
    await ping('p2');
    assert.ok(answered < users.length, 'the shard did nothing else until all were compared');
    const all = await outcomes;
    const count = (name: string) => all.filter((outcome) => outcome === name).length;
    assert.equal(count('success') + count('temporary-auth-failure'), users.length, String(all));
    assert.ok(count('success') >= 4, String(all));
    assert.ok(count('temporary-auth-failure') > 0, String(all));
    const { counters, queues } = (await server.status()).engine as {
      counters: Record<string, number>;
      queues: { name: string; refused: number; limit: number }[];
    };
    assert.equal(counters.logins_refused_busy, count('temporary-auth-failure'));
    const queue = queues.find(({ name }) => name === 'password-checks');
    assert.deepEqual([queue?.limit, queue?.refused], [4, count('temporary-auth-failure')]);
    for (const client of [ann, ...clients]) client.cut();
  });
});
