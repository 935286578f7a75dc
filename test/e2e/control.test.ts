// The control plane around the real engine: handlers replaced under people who chat, accounts made
// and ended while the server runs, what is left after a restart, and an orderly stop.

import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Element } from '../../src/base/xml.js';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';

const VERSION = 'jabber:iq:version';
const edited = (answer: string): string => `
  export const handler = {
    name: 'software-version',
    iq: [{ namespace: '${VERSION}', element: 'query', targets: ['server'] }],
    features: () => ({ server: ['${VERSION}'] }),
    handleIq: ({ payload }) => payload.t('${answer}'),
    async selfTest() {},
  };`;

describe('control plane around the engine', function () {
  this.timeout(60_000);
  let server: TestServer;
  let overrides: string;

  before(async () => {
    // Outside the data folder, so that it exists before the server's own folder is made.
    overrides = join(process.cwd(), 'node_modules', '.cache', `overrides-${process.pid}`);
    mkdirSync(overrides, { recursive: true });
    server = await TestServer.start({
      config: {
        xmpp: { starttls: 'optional', plainAuthWithoutTls: true },
        handlers: { overrides },
        registration: { enabled: true },
      },
      accounts: ['ann', 'bob'],
    });
  });
  after(async () => {
    await server.remove();
    rmSync(overrides, { recursive: true, force: true });
  });

  async function login(user: string): Promise<RawClient> {
    const client = new RawClient(server.endpoint, user);
    await client.login({});
    return client;
  }

  async function iq(client: RawClient, type: string, payload: string, to = ''): Promise<Element> {
    const id = `q${Math.random().toString(36).slice(2)}`;
    const target = to === '' ? '' : `to='${to}'`;
    client.send(`<iq type='${type}' id='${id}' ${target}>${payload}</iq>`);
    return await client.until(({ attrs }) => attrs.id === id);
  }

  const askVersion = async (client: RawClient): Promise<string> => {
    const answer = await iq(client, 'get', `<query xmlns='${VERSION}'/>`, server.domain);
    return answer.getChild('query')?.getText() ?? '';
  };

  it('replaces handlers under people who chat, and refuses broken ones', async () => {
    const ann = await login('ann');
    const bob = await login('bob');
    let got = 0;
    bob.onElement = (element) => {
      if (element.name === 'message') got += 1;
    };
    let sent = 0;
    const timer = setInterval(() => {
      ann.send(`<message to='bob@${server.domain}' type='chat'><body>${sent++}</body></message>`);
    }, 5);
    try {
      writeFileSync(join(overrides, 'software-version.js'), edited('edited'));
      assert.match(await server.cli('reload'), /Loaded version 2 of 14 handlers/u);
      assert.equal(await askVersion(ann), 'edited');
      writeFileSync(join(overrides, 'vcard.js'), "throw new Error('broken on purpose');");
      await assert.rejects(server.cli('reload'), /old handlers stay.*[\s\S]*broken on purpose/u);
      rmSync(join(overrides, 'vcard.js'));
      assert.equal(await askVersion(ann), 'edited');
      const card = await iq(ann, 'get', "<vCard xmlns='vcard-temp'/>");
      assert.equal(card.attrs.type, 'result');
    } finally {
      clearInterval(timer);
    }
    const deadline = Date.now() + 5000;
    while (got < sent && Date.now() < deadline) await new Promise((wake) => setTimeout(wake, 20));
    assert.ok(sent > 50);
    assert.equal(got, sent);
    assert.equal(ann.closed || bob.closed, false);
    await ann.logout();
    await bob.logout();
  });

  it('makes and ends accounts while it runs', async () => {
    await assert.rejects(login('carol'));
    await server.cli('account', 'add', 'carol', 'secret');
    const carol = await login('carol');
    await assert.rejects(server.cli('account', 'add', 'carol', 'secret'), /exists already/u);
    await server.cli('account', 'password', 'carol', 'another');
    await assert.rejects(login('carol'));
    const again = new RawClient(server.endpoint, 'carol');
    await again.login({ password: 'another', resource: 'second' });
    await server.cli('account', 'delete', 'carol');
    await carol.waitClosed();
    await again.waitClosed();
    const users = await server.cli('account', 'list');
    assert.deepEqual(users.trim().split('\n'), ['ann@localhost', 'bob@localhost']);
  });

  it('registers a stranger, who then logs in', async () => {
    const stranger = new RawClient(server.endpoint, 'dora');
    await stranger.connect();
    await stranger.openStream();
    const fields = '<username>dora</username><password>secret</password>';
    const made = await iq(stranger, 'set', `<query xmlns='jabber:iq:register'>${fields}</query>`);
    assert.equal(made.attrs.type, 'result');
    stranger.cut();
    const dora = await login('dora');
    const left = await iq(dora, 'set', "<query xmlns='jabber:iq:register'><remove/></query>");
    assert.equal(left.attrs.type, 'result');
    await dora.waitClosed();
  });

  it('subscribes, and presence flows again after a restart', async () => {
    let ann = await login('ann');
    let bob = await login('bob');
    const roster = "<query xmlns='jabber:iq:roster'/>";
    await iq(ann, 'get', roster);
    await iq(bob, 'get', roster);
    ann.send("<presence type='subscribe' to='bob@localhost'/>");
    await bob.until(({ attrs }) => attrs.type === 'subscribe');
    bob.send("<presence type='subscribed' to='ann@localhost'/>");
    await ann.until(({ name, attrs }) => name === 'presence' && attrs.type === 'subscribed');
    const available = ({ name, attrs }: Element): boolean =>
      name === 'presence' && attrs.type === undefined && String(attrs.from).startsWith('bob@');
    await ann.until(available);
    await ann.logout();
    await bob.logout();
    await server.stop();
    await server.restart();
    bob = await login('bob');
    ann = await login('ann');
    await ann.until(available);
    const list = await iq(ann, 'get', roster);
    const item = list.getChild('query')?.getChild('item');
    assert.deepEqual([item?.attrs.jid, item?.attrs.subscription], ['bob@localhost', 'to']);
    await ann.logout();
    await bob.logout();
  });

  it('stops in order: clients are told, the process ends, the folder is free', async () => {
    const ann = await login('ann');
    const ended = ann.until(({ name }) => name === 'stream:error' || name === 'error');
    await server.cli('stop');
    assert.ok((await ended).getChild('system-shutdown') !== undefined);
    await ann.waitClosed();
    await server.stop();
    assert.equal(server.running, false);
    await assert.rejects(server.cli('status'), /No server is running/u);
    await server.cli('account', 'add', 'erin', 'secret');
  });
});
