// Clients that are logged in and hostile, against the real server: that never read, never
// acknowledge, acknowledge what they were not sent, ask without end, or send more than any disk
// takes.

import assert from 'node:assert/strict';
import type { Element } from 'ltx';
import { type Attacker, openSession } from './support/attacker.js';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';
import { type Course, siege } from './support/siege.js';

const MEBIBYTE = 1 << 20;
const OUTPUT_BYTES = MEBIBYTE;
const MAILBOX_BYTES = 16 * MEBIBYTE;
const SM = "xmlns='urn:xmpp:sm:3'";

const big = (to: string, id: string, bytes = 100_000): string =>
  `<message to='${to}' type='chat' id='${id}'><body>${'x'.repeat(bytes)}</body></message>`;

describe('hostile silence', function () {
  this.timeout(120_000);
  let server: TestServer;
  let addresses = 0;

  before(async () => {
    server = await TestServer.start({
      config: {
        xmpp: { starttls: 'optional', plainAuthWithoutTls: true },
        limits: {
          maxOutputBytes: OUTPUT_BYTES,
          maxMailboxBytes: MAILBOX_BYTES,
          maxUncommittedBytes: 8 * MEBIBYTE,
          resumeSeconds: 60,
        },
      },
      accounts: [
        'ann',
        'bob',
        'eve',
        'mallory',
        ...Array.from({ length: 40 }, (_, at) => `u${at}`),
      ],
    });
  });
  after(async () => {
    await server.remove();
  });

  function session(user: string, resource = 'r'): Promise<Attacker> {
    addresses += 1;
    return openSession({ port: server.port, from: `127.4.1.${addresses}`, user, resource });
  }

  /** Sends so many MiB to a user; returns the ids of what was taken, in order. */
  async function flood(from: Attacker, to: string, mebibytes: number): Promise<string[]> {
    const ids = Array.from({ length: mebibytes * 10 }, (_, index) => `f${index}`);
    for (const id of ids) await from.pour(Buffer.from(big(to, id)), 1);
    // It goes the same way as they and so does its answer, an error as nobody has that resource.
    from.say(`<iq type='get' id='end' to='${to}/nobody'><ping xmlns='urn:xmpp:ping'/></iq>`);
    await from.hear('</error></iq>', 60_000);
    const refused = new Set<string>();
    for (const [, id, error] of from.text.matchAll(/id='(f\d+)'><error type='wait'><([a-z-]+)/gu)) {
      assert.equal(error, 'resource-constraint');
      refused.add(id as string);
    }
    assert.equal(from.text.match(/<error/gu)?.length, refused.size + 1);
    return ids.filter((id) => !refused.has(id));
  }

  for (const acks of [false, true]) {
    const kind = acks ? 'with XEP-0198' : 'without XEP-0198';
    const user = acks ? 'u0' : 'u4';
    it(`a client ${kind} that does not read: its mailbox fills, nothing is lost`, async () => {
      const expected = { growthMiB: 64, atLeast: { mailbox_full: 1, messages_bounced: 1 } };
      await siege(server, expected, async ({ chat }) => {
        const deaf = new RawClient(server.endpoint, user);
        await deaf.login({ acks, resource: kind });
        const got: string[] = [];
        deaf.onElement = ({ name, attrs }) => {
          if (name === 'message') got.push(attrs.id as string);
        };
        deaf.pause(true);
        const sender = await session('mallory');
        const taken = await flood(sender, `${user}@localhost`, 40);
        assert.ok(taken.length < 400, 'all of it was taken');
        assert.ok(taken.length * 100_000 > MAILBOX_BYTES / 2, 'hardly anything was taken');
        await chat.served();
        // Now it reads: everything that was taken comes once and in order.
        deaf.pause(false);
        const deadline = Date.now() + 30_000;
        while (got.length < taken.length && Date.now() < deadline) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        assert.deepEqual(got, taken);
        assert.equal(deaf.closed, false);
        sender.cut();
        await deaf.logout();
      });
    });
  }

  it('one that reads and never acknowledges is sent no more than its window', async () => {
    await siege(server, { growthMiB: 64 }, async () => {
      const reader = await session('u1', 'reader');
      reader.say(`<enable ${SM} resume='true'/>`);
      await reader.hear('<enabled');
      reader.say('<presence/>');
      const sender = await session('mallory');
      await flood(sender, 'u1@localhost', 12);
      assert.ok(reader.receivedBytes > OUTPUT_BYTES / 4, `${reader.receivedBytes} bytes came`);
      assert.ok(reader.receivedBytes < 2 * OUTPUT_BYTES, `${reader.receivedBytes} bytes came`);
      // What it acknowledges makes room for as much again.
      const before = reader.receivedBytes;
      reader.say(`<a ${SM} h='3'/>`);
      await reader.until(() => reader.receivedBytes > before + 200_000);
      sender.cut();
      reader.cut();
    });
  });

  it('stanzas that cannot wait end a session that does not acknowledge', async () => {
    const expected = { growthMiB: 64, atLeast: { error_overflow: 1, stream_errors: 1 } };
    await siege(server, expected, async () => {
      const reader = await session('u2', 'reader');
      reader.say(`<enable ${SM} resume='true'/>`);
      await reader.hear('<enabled');
      const sender = await session('mallory');
      for (let sent = 0; sent < 200 && !reader.ended; sent += 1) {
        const iq = `<iq type='set' to='u2@localhost/reader' id='q'><q xmlns='u:q'>`;
        await sender.pour(Buffer.from(`${iq}${'x'.repeat(100_000)}</q></iq>`), 1);
      }
      await reader.waitEnded();
      assert.match(reader.received.subarray(-2000).toString(), /<resource-constraint|^x+$/u);
      sender.cut();
    });
  });

  it('acknowledgements of what was never sent end the stream', async () => {
    const expected = { growthMiB: 16, counters: { error_other: 3, error_not_well_formed: 2 } };
    await siege(server, expected, async () => {
      for (const [h, error] of [
        ['1', 'undefined-condition'],
        ['4294967295', 'undefined-condition'],
        ['2147483648', 'undefined-condition'],
        ['4294967296', 'bad-format'],
        ['many', 'bad-format'],
      ] as const) {
        const eve = await session('eve', 'acks');
        eve.say(`<enable ${SM}/>`);
        await eve.hear('<enabled');
        eve.say(`<a ${SM} h='${h}'/>`);
        await eve.waitEnded();
        assert.equal(eve.streamError, error);
        const tooHigh = `<handled-count-too-high ${SM} h='${h}' send-count='0'/>`;
        if (error === 'undefined-condition') assert.ok(eve.text.includes(tooHigh), eve.text);
        eve.cut();
      }
    });
  });

  it('resumptions of nothing fail, over and over', async () => {
    const garbage = ['', 'x', '0000000000000000', 'ffffffffffffffff', '&#x41;', 'é'.repeat(5000)];
    const expected = { growthMiB: 16, counters: { resume_failures: 20 * garbage.length } };
    await siege(server, expected, async () => {
      const client = new RawClient(server.endpoint, 'eve');
      await client.authenticatedStream();
      const ask = async (attributes: string): Promise<Element> => {
        client.send(`<resume ${SM} ${attributes}/>`);
        return client.element();
      };
      for (let round = 0; round < 20; round += 1) {
        for (const id of garbage) {
          const failed = await ask(`h='${round}' previd='${id}'`);
          assert.equal(failed.name, 'failed');
          assert.ok(failed.getChild('item-not-found') !== undefined, `${failed}`);
        }
      }
      for (const attributes of ["previd='x'", "h='-1' previd='x'", "h='x' previd='x'"]) {
        const failed = await ask(attributes);
        assert.ok(failed.getChild('bad-request') !== undefined, `${failed}`);
      }
      await client.bind('r');
      client.cut();
    });
  });

  it('floods of pings by one who does not read its answers are not read', async () => {
    const expected = { growthMiB: 48 };
    await siege(server, expected, async ({ chat }) => {
      const resource = 'r'.repeat(1000);
      const deaf = await session('eve', resource);
      deaf.deafen();
      const ping = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>";
      const chunk = Buffer.from(ping.repeat(1000));
      const poured = deaf.pour(chunk, 64 * MEBIBYTE);
      const patience = new Promise((resolve) => setTimeout(resolve, 1500));
      await Promise.race([poured, patience]);
      await chat.served(20);
      deaf.cut();
      const said = await poured;
      assert.ok(said < 64 * MEBIBYTE, 'all of it was taken');
    });
  });

  it('floods of questions are answered in part, and others get their answers', async () => {
    const expected = { growthMiB: 160, atLeast: { iq_in: 1000 } };
    await siege(server, expected, async (course) => {
      const vcard = `<vCard xmlns='vcard-temp'><NOTE>${'n'.repeat(100_000)}</NOTE></vCard>`;
      const owner = await session('eve', 'owner');
      owner.say(`<iq type='set' id='v'>${vcard}</iq>`);
      await owner.hear('id="v"');
      for (const acks of [false, true]) await questions(course, acks);
      owner.cut();
    });
  });

  async function questions({ chat }: Course, acks: boolean): Promise<void> {
    const deaf = await session('eve', `deaf ${acks}`);
    if (acks) {
      deaf.say(`<enable ${SM} resume='true'/>`);
      await deaf.hear('<enabled');
    }
    deaf.deafen();
    const ask =
      "<iq type='get' id='v'><vCard xmlns='vcard-temp'/></iq>" +
      "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>";
    const poured = deaf.pour(Buffer.from(ask.repeat(500)), 8 * MEBIBYTE);
    const other = new RawClient(server.endpoint, 'u3');
    await other.login();
    for (let round = 0; round < 20; round += 1) {
      other.send(`<iq type='get' id='o${round}'><query xmlns='jabber:iq:roster'/></iq>`);
      const answer = await other.until(({ attrs }) => attrs.id === `o${round}`, 15_000);
      assert.equal(answer.attrs.type, 'result', `${answer}`);
    }
    await chat.served();
    deaf.cut();
    await poured;
    await other.logout();
  }

  it('senders wait for the disk when they send faster than it takes', async () => {
    const expected = { growthMiB: 96, atLeast: { senders_slowed: 1 } };
    await siege(server, expected, async ({ chat }) => {
      const sender = await session('mallory', 'bulk');
      for (let round = 0; round < 8; round += 1) {
        for (let to = 10; to < 40; to += 1) {
          await sender.pour(Buffer.from(big(`u${to}@localhost`, 'b', 250_000)), 1);
        }
      }
      await chat.served();
      sender.say("<iq type='get' id='end' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
      await sender.hear("id='end'", 60_000);
      assert.doesNotMatch(sender.text, /<error/u);
      sender.cut();
    });
  });
});
