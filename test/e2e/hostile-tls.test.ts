// Hostile TLS against the real server: handshakes that stop anywhere, bytes that are no TLS, and
// what a connection may be made to do behind its handshake. Alerts are those of RFC 8446 section 6.

import assert from 'node:assert/strict';
import { connect, type TLSSocket } from 'node:tls';
import { Attacker, HEADER, openStream } from './support/attacker.js';
import { HostileTls, RECORD, record } from './support/hostile-tls.js';
import { TestServer } from './support/server.js';
import { siege } from './support/siege.js';

const UNAUTHENTICATED_SECONDS = 2;
const PATIENCE_MS = 15_000;
const GROWTH_MIB = 32;
const ALERT = {
  closeNotify: 0,
  unexpectedMessage: 10,
  badRecordMac: 20,
  recordOverflow: 22,
  handshakeFailure: 40,
  illegalParameter: 47,
  decodeError: 50,
};

describe('hostile TLS', function () {
  this.timeout(120_000);
  let server: TestServer;
  let addresses = 0;

  before(async () => {
    server = await TestServer.start({
      config: {
        xmpp: { starttls: 'optional' },
        limits: { unauthenticatedSeconds: UNAUTHENTICATED_SECONDS },
      },
      accounts: ['ann', 'bob'],
    });
  });
  after(async () => {
    await server.remove();
  });

  const address = (): string => {
    addresses += 1;
    return `127.1.${(addresses >> 7) & 127}.${1 + (addresses & 127)}`;
  };
  const plain = (): Promise<Attacker> => openStream({ port: server.port, from: address() });

  async function direct(): Promise<[Attacker, HostileTls]> {
    const attacker = await Attacker.connect({ port: server.tlsPort, from: address() });
    return [attacker, new HostileTls(attacker)];
  }

  async function starttls(): Promise<[Attacker, HostileTls]> {
    const attacker = await plain();
    attacker.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    await attacker.hear('<proceed');
    attacker.received = Buffer.alloc(0);
    return [attacker, new HostileTls(attacker)];
  }

  /** Waits for the end, and returns the last alert. */
  async function lastAlert(attacker: Attacker, tls: HostileTls): Promise<number | undefined> {
    await attacker.waitEnded(PATIENCE_MS);
    tls.take();
    attacker.cut();
    return tls.alerts.at(-1);
  }

  it('gives up handshakes that stop, wherever they stop', async () => {
    const silences: ((attacker: Attacker, tls: HostileTls) => Promise<void> | void)[] = [
      () => undefined,
      (attacker, tls) => attacker.say(tls.hello.subarray(0, 3)),
      (attacker, tls) => attacker.say(tls.hello.subarray(0, 100)),
      (attacker, tls) => attacker.say(tls.hello),
      async (attacker, tls) => {
        attacker.say(tls.hello);
        await tls.answered();
      },
      (_, tls) => tls.handshake(),
    ];
    const each = 20;
    const count = 2 * each * silences.length;
    const counters = { error_timeout: count, stream_errors: count };
    await siege(server, { growthMiB: GROWTH_MIB, counters }, async () => {
      const all = Array.from({ length: each }, () =>
        silences.flatMap((silence) =>
          [direct, starttls].map(async (begin) => {
            const [attacker, tls] = await begin();
            await silence(attacker, tls);
            await attacker.waitEnded(PATIENCE_MS);
            tls.take();
            // Only where a stream can be spoken can an error be told.
            if (tls.text !== '') assert.match(tls.text, /<connection-timeout/u);
            assert.equal(attacker.streamError, '');
            attacker.cut();
          }),
        ),
      );
      await Promise.all(all.flat());
    });
  });

  it('tells who is silent behind a handshake what is wrong', async () => {
    await siege(server, { growthMiB: GROWTH_MIB, counters: { error_timeout: 1 } }, async () => {
      const [attacker, tls] = await direct();
      await tls.handshake();
      await attacker.waitEnded(PATIENCE_MS);
      tls.take();
      assert.match(tls.text, /<stream:error><connection-timeout/u);
      assert.equal(tls.alerts.at(-1), ALERT.closeNotify);
    });
  });

  it('serves a client whose ClientHello comes byte by byte', async () => {
    await siege(server, { growthMiB: GROWTH_MIB, counters: { tls_handshakes: 2 } }, async () => {
      for (const begin of [direct, starttls]) {
        const [attacker, tls] = await begin();
        for (const byte of tls.hello) {
          attacker.say(Buffer.from([byte]));
          await new Promise((resolve) => setImmediate(resolve));
        }
        await tls.answered();
        tls.finish();
        tls.say(HEADER);
        await tls.hear('</stream:features>');
        attacker.cut();
      }
    });
  });

  it('answers what is no handshake with the alert for it', async () => {
    const hello = (tls: HostileTls): Buffer => Buffer.from(tls.hello);
    const changed = (at: number, value: number) => (tls: HostileTls) => {
      const bytes = hello(tls);
      bytes[at] = value;
      return bytes;
    };
    const attacks: [string, (tls: HostileTls) => Buffer, number][] = [
      ['HTTP', () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), ALERT.unexpectedMessage],
      ['XMPP', () => Buffer.from(HEADER), ALERT.unexpectedMessage],
      ['zeros', () => Buffer.alloc(4096), ALERT.unexpectedMessage],
      ['a hello that claims to be a gigabyte', changed(6, 0xff), ALERT.illegalParameter],
      [
        'an empty hello',
        () => record(RECORD.handshake, Buffer.from([1, 0, 0, 0])),
        ALERT.decodeError,
      ],
      [
        'data before a handshake',
        () => record(RECORD.data, Buffer.alloc(64)),
        ALERT.unexpectedMessage,
      ],
      // OpenSSL translates its protocol_version into the alert that SSL 3 had for it.
      ['an SSL 3 hello', changed(10, 0), ALERT.handshakeFailure],
      ['a session id longer than the hello', changed(43, 255), ALERT.decodeError],
    ];
    const counters = { tls_failures: 2 * attacks.length };
    await siege(server, { growthMiB: GROWTH_MIB, counters }, async () => {
      for (const [what, bytes, wanted] of attacks) {
        for (const begin of [direct, starttls]) {
          const [attacker, tls] = await begin();
          attacker.say(bytes(tls));
          const alert = await lastAlert(attacker, tls);
          assert.equal(alert, wanted, what);
          assert.ok(!attacker.text.includes('<stream'), what);
        }
      }
    });
  });

  it('lets nobody make it hold or work for ever behind a handshake', async () => {
    const flood = (one: (tls: HostileTls) => Buffer, count: number) => (tls: HostileTls) =>
      Buffer.concat(Array.from({ length: count }, () => one(tls)));
    const attacks: [string, (tls: HostileTls) => Buffer, number][] = [
      ['5,000 key updates', flood((tls) => tls.keyUpdate(false), 5000), ALERT.unexpectedMessage],
      [
        '5,000 key updates that want another',
        flood((tls) => tls.keyUpdate(true), 5000),
        ALERT.unexpectedMessage,
      ],
      ['empty records', flood((tls) => tls.sealed(RECORD.data, ''), 5000), ALERT.unexpectedMessage],
      [
        'another ClientHello',
        (tls) => tls.sealed(RECORD.handshake, tls.hello.subarray(5)),
        ALERT.unexpectedMessage,
      ],
      [
        'a key update that is none',
        (tls) => tls.sealed(RECORD.handshake, Buffer.from([24, 0, 0, 1, 7])),
        ALERT.illegalParameter,
      ],
      ['a record of no type', (tls) => tls.sealed(0, ''), ALERT.unexpectedMessage],
      [
        'a record that is too long',
        () => record(RECORD.data, Buffer.alloc(17000)),
        ALERT.recordOverflow,
      ],
      ['a record that is forged', () => record(RECORD.data, Buffer.alloc(100)), ALERT.badRecordMac],
      [
        'a record in the clear',
        () => record(RECORD.alert, Buffer.from([2, 0])),
        ALERT.unexpectedMessage,
      ],
      [
        'an alert of one byte',
        (tls) => tls.sealed(RECORD.alert, Buffer.from([1])),
        ALERT.decodeError,
      ],
    ];
    const counters = { tls_failures: attacks.length, tls_taken_over: attacks.length };
    await siege(server, { growthMiB: GROWTH_MIB, counters }, async () => {
      for (const [what, bytes, wanted] of attacks) {
        const [attacker, tls] = await direct();
        await tls.handshake();
        attacker.say(bytes(tls));
        assert.equal(await lastAlert(attacker, tls), wanted, what);
      }
    });
  });

  it('answers key updates while they are a few, and chats on', async () => {
    const [attacker, tls] = await direct();
    await tls.handshake();
    for (let round = 0; round < 50; round += 1) attacker.say(tls.keyUpdate(round % 2 === 0));
    tls.say(HEADER);
    await tls.hear('</stream:features>');
    assert.ok(tls.keyUpdates > 0);
    attacker.cut();
  });

  it('refuses renegotiation of TLS 1.2, again and again', async () => {
    await siege(
      server,
      { growthMiB: GROWTH_MIB, counters: { tls_handshakes: 100, tls_failures: 100 } },
      async () => {
        for (let round = 0; round < 100; round += 1) {
          const socket: TLSSocket = connect({
            host: '127.0.0.1',
            port: server.tlsPort,
            rejectUnauthorized: false,
            maxVersion: 'TLSv1.2',
          });
          const problem = await new Promise<Error | null>((resolve, reject) => {
            socket.once('secureConnect', () => {
              socket.renegotiate({}, (error) => resolve(error));
            });
            socket.on('error', (error) => reject(error));
          }).catch((error: unknown) => error as Error);
          assert.match(String(problem), /no renegotiation/iu);
          socket.destroy();
        }
      },
    );
  });

  it('bounds what is said in a TLS stream before login', async () => {
    await siege(server, { growthMiB: GROWTH_MIB, counters: { error_policy: 1 } }, async () => {
      const [attacker, tls] = await direct();
      await tls.handshake();
      tls.say(HEADER);
      await tls.hear('</stream:features>');
      const chunk = ' '.repeat(16_000);
      for (let said = 0; said < 2 ** 24 && !attacker.ended; said += chunk.length) {
        attacker.say(tls.sealed(RECORD.data, chunk));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await attacker.waitEnded();
      tls.take();
      assert.match(tls.text, /<stream:error><policy-violation/u);
    });
  });

  it('refuses STARTTLS twice, and what is sent behind it in the clear', async () => {
    await siege(server, { growthMiB: GROWTH_MIB, counters: { tls_failures: 1 } }, async () => {
      const attacker = await plain();
      const injected = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>";
      attacker.say(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>${HEADER}${injected}`);
      await attacker.hear('<proceed');
      attacker.received = Buffer.alloc(0);
      const tls = new HostileTls(attacker);
      await tls.handshake();
      tls.say(HEADER);
      await tls.hear('</stream:features>');
      assert.doesNotMatch(tls.text, /<failure|<challenge|<starttls/u);
      tls.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
      await tls.hear("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
      attacker.cut();
    });
  });
});
