// Hostile peers before login, against the real server: connections without end, logins that never
// come to their end, logins that fail for ever, and SASL that is none.

import assert from 'node:assert/strict';
import { Attacker, HEADER, openSession, openStream } from './support/attacker.js';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';
import { siege } from './support/siege.js';

const PER_ADDRESS = 50;
const PER_SHARD = 300;
const SHARDS = 2;
const UNAUTHENTICATED_SECONDS = 3;
const FAILED_PER_MINUTE = 12;
const GROWTH_MIB = 32;
const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";

const encode = (bytes: string | Buffer): string => Buffer.from(bytes).toString('base64');
const auth = (mechanism: string, payload: string): string =>
  `<auth ${SASL} mechanism='${mechanism}'>${payload}</auth>`;
const response = (payload: string): string => `<response ${SASL}>${payload}</response>`;
const plain = (user: string, password: string): string =>
  auth('PLAIN', encode(`\0${user}\0${password}`));

describe('hostile logins', function () {
  this.timeout(120_000);
  let server: TestServer;
  let addresses = 0;

  before(async () => {
    server = await TestServer.start({
      config: {
        shards: SHARDS,
        xmpp: { starttls: 'optional', plainAuthWithoutTls: true },
        limits: {
          maxConnectionsPerAddress: PER_ADDRESS,
          maxUnauthenticated: PER_SHARD,
          unauthenticatedSeconds: UNAUTHENTICATED_SECONDS,
          failedLoginsPerMinute: FAILED_PER_MINUTE,
        },
      },
      accounts: ['ann', 'bob', 'eve'],
    });
  });
  after(async () => {
    await server.remove();
  });

  const address = (): string => {
    addresses += 1;
    return `127.2.${(addresses >> 7) & 127}.${1 + (addresses & 127)}`;
  };

  it('refuses more connections of one address than it may have', async () => {
    const extra = 400;
    // On a slow machine the first may have to go, for want of a login, before the last come.
    const refusedAtLeast = extra / 2;
    const expected = { growthMiB: GROWTH_MIB, atLeast: { accepts_refused: refusedAtLeast } };
    await siege(server, expected, async ({ chat }) => {
      const from = address();
      const eve = await openSession({ port: server.port, from, user: 'eve' });
      const all = await Promise.all(
        Array.from({ length: PER_ADDRESS + extra }, () =>
          Attacker.connect({ port: server.port, from }),
        ),
      );
      const told = (): number =>
        all.filter(({ streamError }) => streamError === 'policy-violation').length;
      for (const attacker of all) await attacker.until(() => told() >= refusedAtLeast);
      assert.ok(told() >= refusedAtLeast, `${told()} were told why`);
      await chat.served();
      // Who was let in before is served, and one that goes makes room for another.
      eve.say("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
      await eve.hear("id='p'");
      for (const attacker of [eve, ...all]) attacker.cut();
      let again = await Attacker.connect({ port: server.port, from });
      for (let attempt = 0; attempt < 100; attempt += 1) {
        again.say(HEADER);
        await again.until(() => again.text.includes('>') && again.text.length > 100);
        if (again.streamError === '') break;
        await new Promise((resolve) => setTimeout(resolve, 20));
        again = await Attacker.connect({ port: server.port, from });
      }
      await again.hear('</stream:features>');
      again.cut();
    });
  });

  it('makes room for new connections when thousands do not log in', async () => {
    const count = 4000;
    const most = SHARDS * PER_SHARD;
    const expected = {
      growthMiB: GROWTH_MIB,
      atLeast: { evicted: count - most - 100, accepts: count },
    };
    await siege(server, expected, async ({ chat }) => {
      const flood: Attacker[] = [];
      for (let at = 0; at < count; at += 1) {
        const from = `127.3.${at % 100}.${1 + (at % 90)}`;
        const attacker = await Attacker.connect({ port: server.port, from });
        if (at % 2 === 0) attacker.say(HEADER);
        flood.push(attacker);
        if (at % 500 !== 0) continue;
        await chat.served(2);
        const counters = await server.counters();
        assert.ok((counters.unauthenticated ?? 0) <= most);
        // Somebody else logs in meanwhile.
        const eve = new RawClient(server.endpoint, 'eve');
        await eve.login();
        await eve.logout();
      }
      const told = flood.filter(({ streamError }) => streamError === 'resource-constraint');
      assert.ok(told.length > count / 3, `${told.length} were told why`);
      for (const attacker of flood) attacker.cut();
    });
  });

  it('ends logins that take too long: silence, and a byte now and then', async () => {
    const each = 30;
    const counters = { error_timeout: 3 * each };
    await siege(server, { growthMiB: GROWTH_MIB, counters }, async () => {
      const drip = async (attacker: Attacker, text: string): Promise<void> => {
        for (const character of text) {
          if (attacker.ended) break;
          attacker.say(character);
          await new Promise((resolve) => setTimeout(resolve, 150));
        }
        await attacker.waitEnded();
        assert.equal(attacker.streamError, 'connection-timeout');
        attacker.cut();
      };
      const all = Array.from({ length: each }, async () => {
        const options = { port: server.port, from: address() };
        const silent = await Attacker.connect(options);
        const slow = await Attacker.connect(options);
        const slower = await openStream(options);
        slower.say("<auth mechanism='");
        await Promise.all([drip(silent, ''), drip(slow, HEADER), drip(slower, 'SCRAM'.repeat(20))]);
      });
      await Promise.all(all);
    });
  });

  it('ends a login that stops after its success', async () => {
    await siege(server, { growthMiB: GROWTH_MIB, counters: { error_timeout: 1 } }, async () => {
      const eve = await openStream({ port: server.port, from: address() });
      eve.say(plain('eve', 'secret'));
      await eve.hear('<success');
      await eve.waitEnded();
      assert.equal(eve.streamError, 'connection-timeout');
    });
  });

  it('answers SASL that is none with the failure for it, three times a stream', async () => {
    const long = 'n'.repeat(5000);
    const cases: [string, string[], string][] = [
      ['Base64 that is none', [auth('PLAIN', '!!!!')], 'incorrect-encoding'],
      ['Base64 without its end', [auth('SCRAM-SHA-1', 'bixs')], 'malformed-request'],
      ['an unknown mechanism', [auth('X-FLOOD', '=')], 'invalid-mechanism'],
      ['a mechanism without a name', [`<auth ${SASL}/>`], 'invalid-mechanism'],
      ['-PLUS without TLS', [auth('SCRAM-SHA-1-PLUS', '=')], 'invalid-mechanism'],
      ['an answer without a question', [response('biws')], 'malformed-request'],
      ['an abort', [`<abort ${SASL}/>`], 'aborted'],
      ['PLAIN of one field', [auth('PLAIN', encode('eve'))], 'malformed-request'],
      ['PLAIN of NUL only', [auth('PLAIN', encode(Buffer.alloc(3000)))], 'malformed-request'],
      ['a name of 5,000 letters', [plain(long, 'x')], 'not-authorized'],
      [
        'such a name in SCRAM',
        [auth('SCRAM-SHA-1', encode(`n,,n=${long},r=abc`))],
        'not-authorized',
      ],
      ['a name that is no UTF-8', [plain('\u{d800}', 'x')], 'not-authorized'],
      [
        'a message beyond all measure',
        [auth('PLAIN', encode(Buffer.alloc(9000, 0)))],
        'malformed-request',
      ],
      ['an empty nonce', [auth('SCRAM-SHA-1', encode('n,,n=eve,r='))], 'malformed-request'],
      [
        'a nonce of 1,000 letters',
        [auth('SCRAM-SHA-256', encode(`n,,n=eve,r=${'r'.repeat(1000)}`))],
        'malformed-request',
      ],
      [
        'a mandatory extension',
        [auth('SCRAM-SHA-1', encode('n,,m=x,n=eve,r=abc'))],
        'malformed-request',
      ],
      [
        'another user to act as',
        [auth('PLAIN', encode('ann@localhost\0eve\0secret'))],
        'invalid-authzid',
      ],
    ];
    const counters = { login_failures: 3 * cases.length, error_policy: cases.length };
    await siege(server, { growthMiB: GROWTH_MIB, counters }, async () => {
      for (const [what, says, failure] of cases) {
        const attacker = await openStream({ port: server.port, from: address() });
        for (let round = 0; round < 3; round += 1) {
          for (const piece of says) attacker.say(piece);
          await attacker.until(() => attacker.saslFailures.length > round);
        }
        await attacker.waitEnded();
        assert.deepEqual(attacker.saslFailures, [failure, failure, failure], what);
        assert.equal(attacker.streamError, 'policy-violation', what);
        attacker.cut();
      }
    });
  });

  it('lets an address fail so often and no more; others log in', async () => {
    const counters = { logins_throttled: 20, login_failures: FAILED_PER_MINUTE };
    await siege(server, { growthMiB: GROWTH_MIB, counters }, async () => {
      const from = address();
      let throttled = 0;
      for (let stream = 0; throttled < 20; stream += 1) {
        assert.ok(stream < 60, 'it is let fail for ever');
        const attacker = await openStream({ port: server.port, from });
        attacker.say(plain('eve', `guess ${stream}`) + plain('eve', 'guess'));
        attacker.say(plain('nobody', 'guess'));
        await attacker.waitEnded();
        assert.equal(attacker.streamError, 'policy-violation');
        if (attacker.text.includes('Too many failed logins from this address')) throttled += 1;
        for (const failure of attacker.saslFailures) assert.equal(failure, 'not-authorized');
        attacker.cut();
      }
      const eve = await openSession({ port: server.port, from: address(), user: 'eve' });
      eve.cut();
    });
  });

  it('serves others while hundreds of addresses guess passwords', async () => {
    const atLeast = { login_failures: 600 };
    await siege(server, { growthMiB: GROWTH_MIB, atLeast }, async ({ chat, counted }) => {
      let over = false;
      const guess = async (): Promise<void> => {
        while (!over) {
          const attacker = await openStream({ port: server.port, from: address() });
          attacker.say(plain('eve', '1') + plain('eve', '2') + plain('eve', '3'));
          await attacker.waitEnded();
          attacker.cut();
        }
      };
      const all = Array.from({ length: 100 }, guess);
      while ((await counted('login_failures')) < 600) {
        await chat.served(2);
        const eve = new RawClient(server.endpoint, 'eve');
        await eve.login({ mechanism: 'SCRAM-SHA-256' });
        await eve.logout();
      }
      over = true;
      await Promise.all(all);
    });
  });
});
