// Every configuration key, once: its type, default and meaning. Validation, environment names and
// docs/CONFIGURATION.md all come from here.

import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { normaliseDomain } from '../engine/jid.js';
import { adminSchema } from './admin-schema.js';
import { alarmsSchema } from './alarms-schema.js';
import { choice, flag, integer, listenList, listenOrOff, path, text, textList } from './fields.js';
import { registrationSchema } from './registration-schema.js';

const cores = availableParallelism();

function originOf(value: string): string | undefined {
  try {
    const { origin } = new URL(value);
    return origin === 'null' ? undefined : origin;
  } catch {
    return undefined;
  }
}

function publicUrl(value: string): string | undefined {
  if (value === '') return value;
  return /^https?:\/\//u.test(value) ? originOf(value) : undefined;
}

function webOrigin(value: string): string | undefined {
  return value === '*' || originOf(value) === value ? value : undefined;
}

// What it may hold needs no escaping where it is repeated.
function websocketUrl(value: string): string | undefined {
  if (value === '') return value;
  return /^wss?:\/\/[\w.:[\]-]+(?:\/[\w./~-]*)?$/u.test(value) ? value : undefined;
}

const xmpp = z.strictObject({
  listen: listenList(
    'Where XMPP clients connect (plain TCP, then STARTTLS). The default serves this machine ' +
      'only; write `["*:5222", "[::]:5222"]` to serve a network. Port 0 takes any free port.',
    ['127.0.0.1:5222'],
  ),
  directTls: listenList('Where XMPP clients connect with TLS from the first byte (XEP-0368).', [
    '127.0.0.1:5223',
  ]),
  starttls: choice(
    'Whether a client on `xmpp.listen` must, may or cannot start TLS before it logs in.',
    ['required', 'optional', 'off'],
    'required',
  ),
  plainAuthWithoutTls: flag(
    'Allow the SASL mechanism PLAIN, which shows the password, on a connection without TLS.',
    false,
  ),
});

const compact = z.strictObject({
  listen: listenList(
    'Where phones connect with the compact protocol (docs/PROTOCOL.md). It is encrypted by itself.',
    ['127.0.0.1:5299'],
  ),
});

const websocket = z.strictObject({
  listen: listenList(
    'Where browsers connect with WebSocket (RFC 7395, path `/ws`) without TLS: for a proxy on ' +
      'this machine that has it, and for trying things out. SASL PLAIN is offered here only with ' +
      '`xmpp.plainAuthWithoutTls`.',
    ['127.0.0.1:5281'],
  ),
  directTls: listenList('Where browsers connect with WebSocket over TLS (`wss:`).', [
    '127.0.0.1:5282',
  ]),
  origins: textList(
    'Web pages that may connect, by their origin. Other pages are answered 403; programs, which ' +
      'name no origin, are let in. A page can only log in with what its user gave it, so the ' +
      'default lets every page connect.',
    'a list of origins, such as `["https://app.example.org"]`, or `["*"]` for all',
    webOrigin,
    ['*'],
  ),
  url: text(
    'The address that discovery (XEP-0156, `/.well-known/host-meta` on these listeners) tells ' +
      'clients, where a proxy stands before the server.',
    'an address such as `wss://chat.example.org/ws`',
    '',
    websocketUrl,
    'made from the host that was asked',
  ),
});

const tls = z.strictObject({
  cert: path(
    'Certificate chain (PEM). When neither this file nor the key exists, a self-signed pair for ' +
      '`domain` is made at the first start.',
    '',
    '`tls/cert.pem` under `data`',
  ),
  key: path('Private key of the certificate (PEM).', '', '`tls/key.pem` under `data`'),
  takeover: flag(
    'Free the TLS library’s state after a TLS 1.3 handshake and go on with the small record ' +
      'layer of the server: 144 bytes a connection instead of 13,700.',
    true,
  ),
});

const limits = z.strictObject({
  maxStanzaBytes: integer('Largest stanza after login.', {
    min: 10_000,
    max: 16_777_216,
    fallback: 262_144,
  }),
  maxDepth: integer('Deepest nesting of elements in a stanza.', {
    min: 8,
    max: 256,
    fallback: 64,
  }),
  maxAttributes: integer('Most attributes of one element.', { min: 8, max: 64, fallback: 64 }),
  unauthenticatedSeconds: integer('How long a connection may take to log in.', {
    min: 1,
    max: 3600,
    fallback: 60,
  }),
  maxUnauthenticated: integer('Connections that have not logged in yet, per shard.', {
    min: 1,
    max: 1_000_000,
    fallback: 10_000,
  }),
  maxUnauthenticatedBytes: integer('Largest stanza before login.', {
    min: 4096,
    max: 16_777_216,
    fallback: 16_384,
  }),
  maxConnectionsPerAddress: integer(
    'Connections from one address. Whole towns of phones stand behind one address of their ' +
      'provider, so the default is high; the other limits protect the server.',
    { min: 1, max: 10_000_000, fallback: 50_000 },
  ),
  acceptsPerSecond: integer('New connections let in a second, per shard; the rest waits.', {
    min: 1,
    max: 1_000_000,
    fallback: 5000,
  }),
  loginsPerSecond: integer(
    'Logins begun a second, per shard. Further ones wait for their turn, fair to their ' +
      'addresses. A login costs 0.1 to 0.2 ms of a core (0.5 with a TLS handshake), and the ' +
      'rest of the core is for those who chat.',
    { min: 1, max: 1_000_000, fallback: 2000 },
  ),
  maxPasswordChecks: integer(
    'PLAIN logins that wait until their passwords are compared, which costs milliseconds each ' +
      'and is done by one thread for all shards. Further ones get `temporary-auth-failure`; ' +
      'SCRAM logins never wait for it.',
    { min: 1, max: 65_536, fallback: 1024 },
  ),
  failedLoginsPerMinute: integer('Failed logins a minute from one address.', {
    min: 1,
    max: 1_000_000,
    fallback: 60,
  }),
  maxSessionsPerUser: integer('Devices of one user that are connected or may resume.', {
    min: 1,
    max: 1000,
    fallback: 32,
  }),
  maxMailboxMessages: integer(
    'Messages that wait for one user; beyond, the sender gets an error.',
    {
      min: 1,
      max: 100_000_000,
      fallback: 100_000,
    },
  ),
  maxMailboxBytes: integer('Bytes of messages that wait for one user.', {
    min: 10_000,
    max: 1_099_511_627_776,
    fallback: 268_435_456,
  }),
  mailboxDays: integer('How long a message waits before it is given up.', {
    min: 1,
    max: 3650,
    fallback: 30,
  }),
  maxUncommittedBytes: integer(
    'Bytes of messages that the disk has yet to take; beyond, their senders wait for it.',
    { min: 1_048_576, max: 1_099_511_627_776, fallback: 67_108_864 },
  ),
  maxUnacknowledgedStanzas: integer(
    'Stanzas on their way to one device without its acknowledgement; the rest wait in the mailbox.',
    { min: 10, max: 1_000_000, fallback: 1000 },
  ),
  maxOutputBytes: integer('Bytes waiting to be written to one connection that does not read.', {
    min: 65_536,
    max: 1_073_741_824,
    fallback: 4_194_304,
  }),
  resumeSeconds: integer('How long a lost connection can be resumed (XEP-0198).', {
    min: 0,
    max: 86_400,
    fallback: 600,
  }),
  maxRosterItems: integer('Contacts of one user.', { min: 1, max: 100_000, fallback: 2000 }),
  maxPendingSubscriptions: integer('Contact requests that wait for one user’s answer.', {
    min: 1,
    max: 100_000,
    fallback: 500,
  }),
  maxBlockedAddresses: integer('Addresses on one user’s block list.', {
    min: 1,
    max: 100_000,
    fallback: 1000,
  }),
  maxVcardBytes: integer('Size of one vCard, its picture included.', {
    min: 1024,
    max: 16_777_216,
    fallback: 131_072,
  }),
  maxPrivateBytes: integer('Size of one piece of private storage (XEP-0049).', {
    min: 1024,
    max: 16_777_216,
    fallback: 65_536,
  }),
  maxPrivateItems: integer('Pieces of private storage of one user.', {
    min: 1,
    max: 10_000,
    fallback: 100,
  }),
  discoveryNumbersPerDay: integer(
    'Phone numbers that one account may look up in a day (contact discovery). After twenty ' +
      'batches there is a pause before the next, which doubles each time.',
    { min: 500, max: 10_000_000, fallback: 5000 },
  ),
});

const http = z.strictObject({
  listen: listenOrOff(
    'Where the HTTP interface is: registration by number, devices, the chat page. The default ' +
      'serves this machine only; put a proxy with TLS before it to serve a network.',
    '127.0.0.1:5280',
  ),
  publicUrl: text(
    'The address under which clients reach it, when that is another.',
    'an address such as `https://chat.example.org`',
    '',
    publicUrl,
    'as it listens',
  ),
  trustedProxies: textList(
    'Addresses of proxies whose `X-Forwarded-For` is believed.',
    'a list of numeric addresses, such as `["127.0.0.1", "::1"]`',
    (value) => (isIP(value) === 0 ? undefined : value),
  ),
  allowedOrigins: textList(
    'Other origins whose pages may use the interface (CORS).',
    'a list of origins, such as `["https://app.example.org"]`',
    (value) => (originOf(value) === value ? value : undefined),
  ),
  maxRequests: integer('Requests under way at a time. Beyond, clients are answered `503`.', {
    min: 1,
    max: 100_000,
    fallback: 2000,
  }),
  maxRequestsPerAddress: integer('Requests under way at a time from one address.', {
    min: 1,
    max: 100_000,
    fallback: 100,
  }),
});

const accounts = z.strictObject({
  scramIterations: integer(
    'Rounds of PBKDF2 for new passwords. More makes stolen keys harder to guess and costs the ' +
      'client a little at login; the server’s login does not depend on it, save over PLAIN. ' +
      'Names without an account answer as if they had one with this number: an account whose ' +
      'password is older than a change of it can be told from them until it gets a new one.',
    { min: 4096, max: 1_000_000, fallback: 4096 },
  ),
});

const store = z.strictObject({
  threads: integer('Threads that commit mailboxes, each with its own file.', {
    min: 1,
    max: 64,
    fallback: Math.max(1, Math.floor(cores / 4)),
    defaultText: 'one for each four cores',
  }),
  commitDelayUs: integer('The longest wait for more messages before a commit, in microseconds.', {
    min: 0,
    max: 1_000_000,
    fallback: 5000,
  }),
});

const journal = z.strictObject({
  bytesPerShard: integer(
    'How much of what became of messages a shard remembers, for `rookery where`: a message takes ' +
      'about 300 bytes in all. It lies in memory, is taken as it is needed, and forgets the ' +
      'oldest first. 0 remembers nothing.',
    { min: 0, max: 1_073_741_824, fallback: 16_777_216 },
  ),
});

const pool = z.strictObject({
  threads: integer('Worker threads for the handlers.', {
    min: 1,
    max: 64,
    fallback: Math.max(1, Math.min(4, Math.floor(cores / 2))),
    defaultText: 'half the cores, 4 at most',
  }),
  maxQueue: integer(
    'Requests that wait for the handlers. Beyond, clients are answered `resource-constraint`; ' +
      'chat is unaffected.',
    { min: 10, max: 10_000_000, fallback: 50_000 },
  ),
  maxQueueBytes: integer('Bytes of the requests that wait for the handlers.', {
    min: 1_048_576,
    max: 1_099_511_627_776,
    fallback: 67_108_864,
  }),
  taskSeconds: integer('The longest a batch of requests may take before it is given up.', {
    min: 1,
    max: 600,
    fallback: 30,
  }),
});

const handlers = z.strictObject({
  path: path('Folder of the handlers.', '', 'the handlers of this package'),
  overrides: path(
    'Folder whose files replace handlers of the same name, or add to them, at `rookery reload`.',
    '',
    'none',
  ),
  loadSeconds: integer(
    'How long a version of the handlers may take to load and to pass its self-test; one that ' +
      'takes longer is refused.',
    { min: 1, max: 600, fallback: 60 },
  ),
});

const log = z.strictObject({
  level: choice(
    'The least severe line that is written.',
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    'info',
  ),
  format: choice(
    'Text for people or JSON for machines, on standard error.',
    ['text', 'json'],
    'text',
  ),
});

const shutdown = z.strictObject({
  drainSeconds: integer('How long a stop waits for streams to close and stores to be flushed.', {
    min: 1,
    max: 600,
    fallback: 15,
  }),
});

/** The whole configuration. */
export const configSchema = z.strictObject({
  domain: text(
    'The domain of the users’ addresses.',
    'a domain name such as `example.org`',
    'localhost',
    normaliseDomain,
  ),
  data: path('Folder of everything the server remembers; copy it to move the server.', './data'),
  shards: integer('Threads that carry the connections; may exceed the number of cores.', {
    min: 1,
    max: 1000,
    fallback: cores,
    defaultText: 'the number of cores',
  }),
  pinShards: flag('Pin each shard to a core.', false),
  xmpp: xmpp.prefault({}),
  compact: compact.prefault({}),
  websocket: websocket.prefault({}),
  tls: tls.prefault({}),
  limits: limits.prefault({}),
  http: http.prefault({}),
  admin: adminSchema.prefault({}),
  alarms: alarmsSchema.prefault({}),
  registration: registrationSchema.prefault({}),
  accounts: accounts.prefault({}),
  store: store.prefault({}),
  journal: journal.prefault({}),
  pool: pool.prefault({}),
  handlers: handlers.prefault({}),
  log: log.prefault({}),
  shutdown: shutdown.prefault({}),
});

/** A validated configuration; every key is present. */
export type Config = z.output<typeof configSchema>;

/** What may be written: every key may be left out. */
export type ConfigInput = z.input<typeof configSchema>;
