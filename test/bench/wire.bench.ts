// Bytes on the wire, the compact protocol beside XMPP over TLS 1.3 (direct), in one run: a login to
// the first message, a message of 100 bytes with its three ticks between two people, and a day of
// keep-alives. Both sides' connections are counted, both ways. What the XMPP client says is what
// Conversations says: acknowledgements (XEP-0198), receipts, markers, ids that are UUIDs.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  MessageStore,
  openNodeDatabase,
  Registration,
  RookeryClient,
  tcpDial,
} from '../../src/sdk/index.js';
import { RawClient } from '../e2e/support/raw-client.js';
import { TestServer } from '../e2e/support/server.js';
import { CountingProxy } from './common/counting-proxy.js';
import { type Figure, report } from './common/driver.js';

const QUIET_MS = 700;
const ROUNDS = 20;
const KEEP_ALIVES_A_DAY = (24 * 60) / 4;
/** A white space in a TLS 1.3 record: header, tag, type. Nobody answers it. */
const WHITE_SPACE_BYTES = 5 + 16 + 1 + 1;
/** An empty packet in a frame: length, tag, the packet; and its answer. */
const KEEP_ALIVE_BYTES = 2 * (2 + 16 + 1);
const PING = "<ping xmlns='urn:xmpp:ping'/>";
const BODY = 'This is what people write to each other on their phones, all day long, and it is 100 '
  .concat('bytes long now.')
  .slice(0, 100);
const NUMBERS = ['4915123450001', '4915123450002'] as const;

/** Waits until nothing has passed for a while. */
async function quiet(proxy: CountingProxy): Promise<void> {
  for (let before = -1; before !== proxy.both; ) {
    before = proxy.both;
    await sleep(QUIET_MS);
  }
}

interface Costs {
  /** Both directions, of one client. */
  readonly login: number;
  /** Both directions, of both clients, one message with its ticks. */
  readonly message: number;
}

async function compact(server: TestServer): Promise<Costs> {
  const proxy = await CountingProxy.start(server.compactPort);
  const clients: RookeryClient[] = [];
  for (const number of NUMBERS) {
    const registration = await Registration.start(server.httpUrl, `+${number}`);
    const account = await registration.verify(registration.developmentPin ?? '', 'bench');
    const store = await MessageStore.open(openNodeDatabase(':memory:'));
    const client = await RookeryClient.open(account, store, tcpDial('127.0.0.1', proxy.port));
    client.on('message', (message) => {
      if (!message.mine) void client.markRead(message.peer);
    });
    clients.push(client);
    if (clients.length === 1) await quiet(proxy);
  }
  const login = proxy.both;
  await quiet(proxy);
  const [sender] = clients;
  proxy.reset();
  for (let round = 0; round < ROUNDS; round++) {
    const read = sender?.once('change', (message) => message.tick === 'read');
    await sender?.send(NUMBERS[1], BODY);
    await read;
    await quiet(proxy);
  }
  const message = proxy.both / ROUNDS;
  for (const client of clients) await client.close();
  proxy.close();
  return { login, message };
}

function chatMessage(to: string, content: string, id: string): string {
  return `<message to='${to}' id='${id}' type='chat'>${content}</message>`;
}

async function xmpp(server: TestServer): Promise<Costs & { ping: number }> {
  const proxy = await CountingProxy.start(server.tlsPort);
  const endpoint = { ...server.endpoint, tlsPort: proxy.port };
  const options = { security: 'direct', mechanism: 'SCRAM-SHA-1', acks: true, presence: true };
  const [ann, bob] = await Promise.all(
    ['ann', 'bob'].map(async (user) => {
      const client = new RawClient(endpoint, user);
      if (user === 'bob') await sleep(4 * QUIET_MS);
      await client.login({ ...options, resource: 'Conversations.AbCd' } as never);
      return client;
    }),
  );
  if (ann === undefined || bob === undefined) throw new Error('no clients');
  await quiet(proxy);
  const login = proxy.both / 2;
  const say = (client: RawClient, stanza: string) =>
    client.send(`${stanza}<r xmlns='urn:xmpp:sm:3'/>`);
  bob.onElement = (element) => {
    const { from = '', id = '' } = element.attrs as Record<string, string>;
    if (element.name !== 'message' || element.getChild('body') === undefined) return;
    const received = `<received xmlns='urn:xmpp:receipts' id='${id}'/>`;
    say(bob, chatMessage(from, received, randomUUID()));
    const displayed = `<displayed xmlns='urn:xmpp:chat-markers:0' id='${id}'/>`;
    say(bob, chatMessage(from, displayed, randomUUID()));
  };
  proxy.reset();
  for (let round = 0; round < ROUNDS; round++) {
    const content =
      `<body>${BODY}</body><request xmlns='urn:xmpp:receipts'/>` +
      "<markable xmlns='urn:xmpp:chat-markers:0'/>";
    say(ann, chatMessage(`bob@${server.domain}`, content, randomUUID()));
    await quiet(proxy);
  }
  const message = proxy.both / ROUNDS;
  proxy.reset();
  ann.send(`<iq type='get' id='${randomUUID()}' to='${server.domain}'>${PING}</iq>`);
  await quiet(proxy);
  const ping = proxy.both;
  await ann.logout();
  await bob.logout();
  proxy.close();
  return { login, message, ping };
}

const server = await TestServer.start({
  config: { registration: { sender: 'development' } },
  accounts: ['ann', 'bob'],
});
const figures: Figure[] = [];
try {
  const ours = await compact(server);
  const theirs = await xmpp(server);
  const pair = (what: string, mine: number, other: number, atMost?: number): Figure[] => [
    { what: `${what}: compact`, unit: 'B', value: mine },
    { what: `${what}: XMPP over TLS 1.3`, unit: 'B', value: other },
    {
      what: `${what}: compact, of XMPP's`,
      unit: '%',
      value: (100 * mine) / other,
      ...(atMost === undefined ? {} : { atMost }),
    },
  ];
  figures.push(
    ...pair('login', ours.login, theirs.login),
    ...pair('message of 100 bytes with its ticks', ours.message, theirs.message, 40),
    ...pair(
      'a day of keep-alives, one in four minutes, answered (XEP-0199)',
      KEEP_ALIVES_A_DAY * KEEP_ALIVE_BYTES,
      KEEP_ALIVES_A_DAY * theirs.ping,
    ),
    {
      what: 'the same with white space, which nobody answers: XMPP over TLS 1.3',
      unit: 'B',
      value: KEEP_ALIVES_A_DAY * WHITE_SPACE_BYTES,
    },
  );
} finally {
  await server.remove();
}
report('wire', figures, []);
process.exit();
