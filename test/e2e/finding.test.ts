// Finding out: where a message is in every state it can have, who is connected, what waits for
// whom, and a user's conversation as it comes and goes; all by the command line, on a real server.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually, Phone, phoneServer, registered } from './support/phone.js';
import { RawClient } from './support/raw-client.js';
import type { TestServer } from './support/server.js';

interface Found {
  readonly from: string;
  readonly to: string;
  readonly state: string;
  readonly steps: readonly { step: string; resource: string; way: string; at: string }[];
}

const chat = (to: string, id: string, body = 'hello'): string =>
  `<message to='${to}' type='chat' id='${id}'><body>${body}</body></message>`;

describe('finding out', function () {
  this.timeout(60_000);
  let server: TestServer;
  let romeo: RawClient;

  async function ask<Answer>(...words: string[]): Promise<Answer> {
    return JSON.parse(await server.cli(...words, '--json')) as Answer;
  }
  const whereIs = async (id: string): Promise<readonly Found[]> =>
    (await ask<{ messages: Found[] }>('where', id)).messages;
  /** The steps of the one message of that id, as soon as it has come so far. */
  const reached = (id: string, state: string): Promise<Found> =>
    eventually(`${id} is ${state}`, async () => {
      const [found, ...others] = await whereIs(id);
      assert.deepEqual(others, []);
      return found?.state === state && found;
    });
  const stepsOf = ({ steps }: Found): string[] => steps.map(({ step }) => step);

  async function login(user: string, acks = true, resource = 'r'): Promise<RawClient> {
    const client = new RawClient(server.endpoint, user);
    await client.login({ security: 'direct', acks, resource });
    return client;
  }

  before(async () => {
    server = await phoneServer({ limits: { maxMailboxMessages: 3 } }, [
      'romeo',
      'juliet',
      'nurse',
      'paris',
    ]);
    romeo = await login('romeo', true, 'orchard');
  });
  after(() => server.remove());

  it('where: stored, sent, taken back, sent again, acknowledged', async () => {
    romeo.send(chat(`juliet@${server.domain}`, 'm1'));
    const stored = await reached('m1', 'stored');
    assert.equal(stored.from, `romeo@${server.domain}/orchard`);
    assert.equal(stored.to, `juliet@${server.domain}`);
    assert.deepEqual(stepsOf(stored), ['accepted', 'stored']);

    const juliet = new RawClient(server.endpoint, 'juliet');
    juliet.answerRequests = false;
    await juliet.login({ security: 'direct', acks: true, resource: 'balcony' });
    await juliet.until(({ attrs }) => attrs.id === 'm1');
    const sent = await reached('m1', 'sent');
    assert.deepEqual(sent.steps.at(-1)?.resource, 'balcony');
    assert.deepEqual(sent.steps.at(-1)?.way, 'xmppTls');

    // A stream that is closed cannot be resumed: what it did not acknowledge waits again.
    await juliet.logout();
    assert.deepEqual(stepsOf(await reached('m1', 'returned')), [
      'accepted',
      'stored',
      'sent',
      'returned',
    ]);
    const again = await login('juliet', true, 'balcony');
    await again.until(({ attrs }) => attrs.id === 'm1');
    again.acknowledge();
    const acknowledged = await reached('m1', 'acknowledged');
    assert.equal(acknowledged.steps.at(-1)?.resource, 'balcony');
    const times = acknowledged.steps.map(({ at }) => at);
    assert.deepEqual([...times].sort(), times);
    const words = await server.cli('where', 'm1');
    assert.match(words, /^m1 {2}from romeo@.*\/orchard to juliet@.*: acknowledged$/mu);
    assert.match(words, /sent to balcony \(XMPP over TLS\)$/mu);
    await again.logout();
  });

  it('where: refused by a full mailbox, and nowhere', async () => {
    for (const id of ['f1', 'f2', 'f3', 'f4']) romeo.send(chat(`nurse@${server.domain}`, id));
    assert.deepEqual(stepsOf(await reached('f4', 'refused')), ['refused']);
    assert.match(await server.cli('where', 'no-such-message'), /older than the journal/u);
  });

  it('where: found on disk after kill -9', async () => {
    romeo.send(chat(`paris@${server.domain}`, 'k1'));
    await reached('k1', 'stored');
    await server.kill();
    await server.restart();
    const found = await reached('k1', 'recovered');
    assert.equal(found.from, `romeo@${server.domain}/orchard`);
    const paris = await login('paris', false);
    await paris.until(({ attrs }) => attrs.id === 'k1');
    // Without XEP-0198 it is TCP that acknowledges.
    assert.deepEqual(stepsOf(await reached('k1', 'acknowledged')), [
      'recovered',
      'sent',
      'acknowledged',
    ]);
    await paris.logout();
    romeo = await login('romeo', true, 'orchard');
  });

  it('where: to a phone, by the compact protocol', async () => {
    const account = await registered(server);
    const phone = await (await Phone.open(account)).online();
    romeo.send(chat(phone.address, 'c1'));
    const { steps } = await reached('c1', 'acknowledged');
    assert.deepEqual(
      steps.filter(({ way }) => way !== 'none').map(({ step, way }) => [step, way]),
      [
        ['sent', 'compact'],
        ['acknowledged', 'compact'],
      ],
    );
    assert.match(await server.cli('where', 'c1'), /acknowledged by device 1 \(compact\)/u);
    await phone.client.close();
  });

  it('sessions, mailbox, backlog and kick', async () => {
    const { sessions } = await ask<{ sessions: Record<string, unknown>[] }>('sessions', 'romeo');
    assert.deepEqual(
      sessions.map(({ user, resource, way, address, managed }) => ({
        user,
        resource,
        way,
        address,
        managed,
      })),
      [
        {
          user: `romeo@${server.domain}`,
          resource: 'orchard',
          way: 'xmppTls',
          address: '127.0.0.1',
          managed: true,
        },
      ],
    );
    assert.match(await server.cli('sessions'), /romeo@.*\/orchard +XMPP over TLS +127\.0\.0\.1/u);
    interface Mailbox {
      total: { messages: number; bytes: number; sessions: number };
      messages: { place: string }[];
    }
    const { total, messages } = await ask<Mailbox>('mailbox', 'nurse');
    assert.equal(total.messages, 3);
    assert.equal(total.sessions, 0);
    assert.deepEqual(
      messages.map(({ place }) => place),
      ['disk', 'disk', 'disk'],
    );
    const { users } = await ask<{ users: { user: string; messages: number }[] }>('backlog');
    assert.deepEqual(users[0]?.user, `nurse@${server.domain}`);
    await assert.rejects(server.cli('mailbox', 'nobody'), /There is no account nobody@/u);

    assert.match(await server.cli('kick', 'romeo'), /Ended 1 sessions of romeo@/u);
    await romeo.waitClosed();
    await assert.rejects(server.cli('kick', 'romeo'), /has no session/u);
    romeo = await login('romeo', true, 'orchard');
  });

  describe('trace', () => {
    let tracing: ChildProcess;
    let lines: string[];

    async function begin(...options: string[]): Promise<void> {
      lines = [];
      const main = join(process.cwd(), 'dist', 'cli', 'main.js');
      const words = [main, 'trace', 'romeo', '--config', server.configFile, ...options];
      tracing = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
      let errors = '';
      tracing.stdout?.on('data', (chunk: Buffer) => lines.push(...`${chunk}`.trim().split('\n')));
      tracing.stderr?.on('data', (chunk: Buffer) => {
        errors += chunk;
      });
      await eventually('the trace has begun', () => errors.includes('Tracing romeo@'));
    }
    const line = (id: string): Promise<string> =>
      eventually(`${id} is traced`, () => lines.find((one) => one.includes(`"${id}"`)));
    async function end(): Promise<void> {
      const ended = new Promise<unknown>((resolve) => tracing.once('exit', resolve));
      tracing.kill('SIGINT');
      assert.equal(await ended, 0);
    }

    it('shows both directions, and lengths in place of what people say', async () => {
      const juliet = await login('juliet', true, 'balcony');
      await begin();
      romeo.send(chat(`juliet@${server.domain}`, 't1', 'my secret'));
      await juliet.until(({ attrs }) => attrs.id === 't1');
      juliet.send(chat(`romeo@${server.domain}`, 't2', 'and mine'));
      assert.match(
        await line('t1'),
        /^\d\d:\d\d:\d\d\.\d{3} → orchard {2}<message .*\[9 characters\]/u,
      );
      assert.match(
        await line('t2'),
        /^\d\d:\d\d:\d\d\.\d{3} ← orchard {2}<message .*\[8 characters\]/u,
      );
      assert.ok(!lines.join('').includes('secret'));
      await end();
      const before = lines.length;
      romeo.send(chat(`juliet@${server.domain}`, 't3'));
      await juliet.until(({ attrs }) => attrs.id === 't3');
      assert.equal(lines.length, before);
      await juliet.logout();
    });

    it('shows what people say to an admin who asks for it', async () => {
      await begin('--bodies', '--json');
      romeo.send(chat(`juliet@${server.domain}`, 't4', 'my secret'));
      const shown = await eventually('it is traced', () =>
        lines.find((one) => one.includes("'t4'") || one.includes('t4')),
      );
      assert.match((JSON.parse(shown) as { stanza: string }).stanza, /my secret/u);
      await end();
    });
  });
});
