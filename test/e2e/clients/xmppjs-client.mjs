// An @xmpp/client that a test drives over its standard input, as slixmpp_client.py is: one JSON
// command a line in, one JSON event a line out. A process of its own, so that the test can give it
// the server's certificate to trust (NODE_EXTRA_CA_CERTS):
//   node xmppjs-client.mjs ADDRESS PASSWORD HOST PORT starttls|direct|ws|wss

import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { client, xml } from '@xmpp/client';
import { WebSocket } from 'ws';

globalThis.WebSocket = WebSocket;

const [address = '', password = '', host = '', port = '', security = ''] = process.argv.slice(2);
const [username, domain] = address.split('@');

const tell = (event, fields = {}) =>
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
const bare = (full) => String(full).split('/')[0];

const services = {
  starttls: `xmpp://${host}:${port}`,
  direct: `xmpps://${host}:${port}`,
  ws: `ws://${host}:${port}/ws`,
  wss: `wss://${host}:${port}/ws`,
};
const websocket = security.startsWith('ws');

const xmpp = client({
  service: services[security],
  domain,
  username,
  password,
  resource: 'xmppjs',
});
xmpp.reconnect.delay = 200;
xmpp.streamManagement.requestAckDebounce = 20;

xmpp.iqCallee.set('jabber:iq:roster', 'query', () => true);

xmpp.on('error', (error) => tell('error', { text: String(error) }));
xmpp.on('disconnect', () => tell('disconnected'));
xmpp.streamManagement.on('resumed', () => tell('resumed'));
xmpp.streamManagement.on('fail', (stanza) => tell('unsent', { stanza: String(stanza) }));
xmpp.on('online', async (own) => {
  // Over WebSocket it counts what comes before <enabled/> as if it came after (XEP-0198).
  while (websocket && !xmpp.streamManagement.enabled) await sleep(5);
  await xmpp.send(xml('presence'));
  await roster();
  tell('online', { address: String(own) });
});
xmpp.on('stanza', (stanza) => {
  const sender = bare(stanza.attrs.from);
  if (stanza.is('message') && stanza.attrs.type !== 'error') {
    const delayed = stanza.getChild('delay', 'urn:xmpp:delay') !== undefined;
    tell('message', { sender, body: stanza.getChildText('body'), delayed });
  }
  if (!stanza.is('presence')) return;
  const type = stanza.attrs.type ?? 'available';
  if (['subscribe', 'subscribed', 'available'].includes(type)) tell(type, { sender });
});

// Not through iqCaller: @xmpp/client 0.14 does not count the answers that it takes (XEP-0198), and
// what comes after them would look unacknowledged to any server.
async function roster() {
  const id = `roster${Date.now()}`;
  const query = xml('query', 'jabber:iq:roster');
  // Listening comes first: the answer may be here before send() has told that it is done.
  const answered = new Promise((resolve) => {
    xmpp.on('stanza', (stanza) => stanza.attrs.id === id && resolve(stanza));
  });
  await xmpp.send(xml('iq', { type: 'get', id }, query));
  const answer = await answered;
  const items = answer.getChild('query').getChildren('item');
  return Object.fromEntries(items.map(({ attrs }) => [attrs.jid, attrs.subscription]));
}

const commands = {
  subscribe: ({ to }) => xmpp.send(xml('presence', { to, type: 'subscribe' })),
  approve: ({ to }) => xmpp.send(xml('presence', { to, type: 'subscribed' })),
  send: ({ to, body }) => xmpp.send(xml('message', { to, type: 'chat' }, xml('body', {}, body))),
  roster: async () => tell('roster', { contacts: await roster() }),
  cut: () => {
    const socket = xmpp.socket.socket ?? xmpp.socket;
    return websocket ? socket.terminate() : socket.destroy();
  },
  quit: async () => {
    await xmpp.stop();
    process.exit(0);
  },
};

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line);
    Promise.resolve(commands[command.do](command)).catch((error) =>
      tell('error', { text: String(error) }),
    );
  })
  .on('close', () => process.exit(0));

xmpp.start().catch((error) => tell('failed', { text: String(error) }));
