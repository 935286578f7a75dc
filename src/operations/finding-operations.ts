// Operations that find out: where a message is, who is connected, what waits for whom.

import { z } from 'zod';
import {
  type Backlog,
  MailboxPlace,
  type MessageStep,
  MessageStepKind,
  StreamCondition,
  Way,
} from '../engine/boundary.gen.js';
import { existingUser, userField, userName } from './names.js';
import { type AnyOperation, operation } from './operation.js';
import { Refusal } from './refusal.js';
import { shortBytes, shortSpan, table } from './words.js';

const MAX_ROWS = 1000;

const limitField = z.int().min(1).max(MAX_ROWS).default(100).meta({
  description: 'The most to show.',
});

type Named<Numbers> = keyof Numbers & string;

function nameOf<Numbers extends Record<string, number>>(
  numbers: Numbers,
  value: number,
): Named<Numbers> {
  const found = Object.entries(numbers).find(([, number]) => number === value);
  return (found?.[0] ?? Object.keys(numbers)[0]) as Named<Numbers>;
}

function names<Numbers extends Record<string, number>>(
  numbers: Numbers,
): z.ZodEnum<{ [Name in Named<Numbers>]: Name }> {
  return z.enum(Object.keys(numbers) as Named<Numbers>[]) as never;
}

const WAYS: Readonly<Record<keyof typeof Way, string>> = {
  none: '',
  xmpp: 'XMPP',
  xmppTls: 'XMPP over TLS',
  websocket: 'WebSocket',
  websocketTls: 'WebSocket over TLS',
  compact: 'compact',
  compactWebsocket: 'compact over WebSocket',
  compactWebsocketTls: 'compact over WebSocket and TLS',
};

const step = z.object({
  at: z.string().meta({ description: 'UTC, to the microsecond.' }),
  step: names(MessageStepKind),
  resource: z.string().meta({ description: 'Of the device that was sent it, or has it.' }),
  way: names(Way),
});
const foundMessage = z.object({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  state: names(MessageStepKind).meta({ description: 'Its last step.' }),
  steps: z.array(step),
});
type FoundMessage = z.output<typeof foundMessage>;

function stamp(atUs: bigint): string {
  const microseconds = String(atUs % 1_000_000n).padStart(6, '0');
  return `${new Date(Number(atUs / 1000n)).toISOString().slice(0, 19)}.${microseconds}Z`;
}

/** Steps of several messages, in the order of time, message by message. */
function messagesOf(rows: readonly MessageStep[], domain: string): FoundMessage[] {
  const messages: FoundMessage[] = [];
  const open = new Map<string, FoundMessage>();
  for (const { user, sequence, step: kind, atUs, id, who, way } of rows) {
    const entered = id !== '';
    const place = `${user}/${sequence}`;
    const found: FoundMessage =
      (entered ? undefined : open.get(place)) ??
      ({ id, from: who, to: `${user}@${domain}`, state: 'accepted', steps: [] } as FoundMessage);
    if (found.steps.length === 0) messages.push(found);
    if (sequence > 0n) open.set(place, found);
    found.state = nameOf(MessageStepKind, kind);
    found.steps.push({
      at: stamp(atUs),
      step: found.state,
      resource: entered ? '' : who,
      way: nameOf(Way, way),
    });
  }
  return messages;
}

/** A device of the compact protocol has its number in its resource. */
function client(resource: string): string {
  return /^d\d+$/u.test(resource) ? `device ${resource.slice(1)}` : resource;
}

function stepWords({ step: kind, resource, way }: z.output<typeof step>): string {
  const over = WAYS[way] === '' ? '' : ` (${WAYS[way]})`;
  switch (kind) {
    case 'accepted':
      return 'accepted';
    case 'recovered':
      return 'found on disk when the server started';
    case 'refused':
      return 'refused: the mailbox is full';
    case 'duplicate':
      return 'sent again by its sender, and recognised';
    case 'stored':
      return 'stored: it is on disk';
    case 'sent':
      return `sent to ${client(resource)}${over}`;
    case 'acknowledged':
      return resource === ''
        ? 'acknowledged by a device that came back'
        : `acknowledged by ${client(resource)}${over}`;
    case 'returned':
      return 'taken back: the session ended before it was acknowledged; it waits again';
    case 'expired':
      return 'expired: nobody fetched it in time';
    case 'removed':
      return 'removed with its account';
    case 'unreadable':
      return 'lost: its record on disk cannot be read';
  }
}

export const where = operation({
  name: 'where',
  summary: 'Say where a message is, and every step on its way there',
  description:
    'Messages are found by the id that their sender gave them, as long as the journal remembers ' +
    'them (`journal.bytesPerShard`); what waited on disk when the server started is found as well.',
  role: 'viewer',
  changes: false,
  input: z.strictObject({
    id: z.string().min(1).max(1024).meta({ description: 'The id of the message stanza.' }),
  }),
  output: z
    .object({ messages: z.array(foundMessage), truncated: z.boolean() })
    .meta({ id: 'WhereMessage' }),
  look: {
    arguments: ['id'],
    print({ messages }, { id }) {
      if (messages.length === 0) {
        return (
          `No message ${id} is remembered: there was none, or it is older than the journal.\n` +
          'What still waits for a user is shown by `rookery mailbox USER`.'
        );
      }
      return messages
        .map(({ from, to, state, steps }) =>
          [
            `${id}  from ${from} to ${to}: ${state}`,
            ...steps.map((one) => `  ${one.at.replace('T', ' ')}  ${stepWords(one)}`),
          ].join('\n'),
        )
        .join('\n\n');
    },
  },
  async run({ server, services }, { id }) {
    const { rows, truncated } = await server.inquiries.whereIs(id);
    return { messages: messagesOf(rows, services.settings.domain), truncated };
  },
});

const sessionRow = z.object({
  user: z.string(),
  resource: z.string(),
  way: names(Way).meta({ description: '`none`: it waits to be resumed.' }),
  address: z.string(),
  since: z.string(),
  available: z.boolean(),
  priority: z.int(),
  managed: z.boolean().meta({ description: 'It acknowledges stanzas.' }),
  unacknowledged: z.int(),
  unacknowledgedBytes: z.int(),
});

function instant(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

function age(iso: string): string {
  return shortSpan((Date.now() - Date.parse(iso)) / 1000);
}

export const sessionList = operation({
  name: 'sessions',
  summary: 'List the sessions of a user, or of everybody',
  role: 'viewer',
  changes: false,
  input: z.strictObject({ user: userField.optional(), limit: limitField }),
  output: z
    .object({ sessions: z.array(sessionRow), truncated: z.boolean() })
    .meta({ id: 'Sessions' }),
  look: {
    arguments: ['user'],
    print({ sessions, truncated }) {
      if (sessions.length === 0) return 'Nobody.';
      const rows = sessions.map((one) => [
        `${one.user}/${one.resource}`,
        WAYS[one.way] || 'waits to be resumed',
        one.address || '-',
        age(one.since),
        one.available ? `available, ${one.priority}` : '-',
        one.unacknowledged,
      ]);
      const text = table(['session', 'way', 'address', 'since', 'presence', 'unacked'], rows);
      return truncated ? `${text}\nThere are more: name a user, or raise --limit.` : text;
    },
  },
  async run(context, { user, limit }) {
    const { server, services } = context;
    const name = user === undefined ? undefined : userName(context, user);
    const { rows, truncated } = await server.inquiries.sessions(name, limit);
    const { domain } = services.settings;
    const sessions = rows.slice(0, limit).map((row) => ({
      user: `${row.user}@${domain}`,
      resource: row.resource,
      way: nameOf(Way, row.way),
      address: row.address,
      since: instant(row.boundS),
      available: row.available !== 0,
      priority: (row.priority << 24) >> 24,
      managed: row.managed !== 0,
      unacknowledged: row.unacknowledged,
      unacknowledgedBytes: Number(row.unacknowledgedBytes),
    }));
    return { sessions, truncated: truncated || rows.length > limit };
  },
});

const backlog = z.object({
  user: z.string(),
  messages: z.int(),
  bytes: z.int(),
  oldest: z.string().optional(),
  sessions: z.int(),
});

function backlogOf(row: Backlog, domain: string): z.output<typeof backlog> {
  return {
    user: `${row.user}@${domain}`,
    messages: row.messages,
    bytes: Number(row.bytes),
    ...(row.oldestS === 0 ? {} : { oldest: instant(row.oldestS) }),
    sessions: row.sessions,
  };
}

const waitingMessage = z.object({
  sequence: z.int(),
  accepted: z.string(),
  bytes: z.int(),
  place: names(MailboxPlace),
  sentTo: z.string().meta({ description: 'The resource whose acknowledgement is awaited.' }),
  id: z.string().meta({ description: 'Empty while it is only on disk.' }),
});

export const mailboxShow = operation({
  name: 'mailbox',
  summary: 'Show what waits for a user',
  role: 'viewer',
  changes: false,
  input: z.strictObject({ user: userField, limit: limitField }),
  output: z
    .object({ total: backlog, messages: z.array(waitingMessage), truncated: z.boolean() })
    .meta({ id: 'Mailbox' }),
  look: {
    arguments: ['user'],
    print({ total, messages, truncated }) {
      const oldest = total.oldest === undefined ? '' : `, the oldest for ${age(total.oldest)}`;
      const head =
        `${total.user}: ${total.messages} messages, ${shortBytes(total.bytes)}${oldest}; ` +
        `${total.sessions} sessions`;
      if (messages.length === 0) return head;
      const rows = messages.map((one) => [
        one.sequence,
        age(one.accepted),
        one.bytes,
        one.place,
        one.sentTo === '' ? '-' : client(one.sentTo),
        one.id || '-',
      ]);
      const text = table(['number', 'for', 'bytes', 'place', 'sent to', 'id'], rows);
      return `${head}\n${text}${truncated ? '\n…' : ''}`;
    },
  },
  async run(context, { user, limit }) {
    const { server, services } = context;
    const { domain } = services.settings;
    const name = existingUser(context, user);
    const { total, rows, truncated } = await server.inquiries.mailbox(name, limit);
    const nothing = { user: `${name}@${domain}`, messages: 0, bytes: 0, sessions: 0 };
    return {
      total: total === undefined ? nothing : backlogOf(total, domain),
      messages: rows.map((row) => ({
        sequence: Number(row.sequence),
        accepted: instant(row.acceptedS),
        bytes: row.bytes,
        place: nameOf(MailboxPlace, row.place),
        sentTo: row.sentTo,
        id: row.id,
      })),
      truncated,
    };
  },
});

export const backlogList = operation({
  name: 'backlog',
  summary: 'List the users for whom the most messages wait',
  role: 'viewer',
  changes: false,
  input: z.strictObject({ limit: limitField }),
  output: z.object({ users: z.array(backlog) }).meta({ id: 'Backlogs' }),
  look: {
    print({ users }) {
      if (users.length === 0) return 'Nothing waits for anybody.';
      const rows = users.map((one) => [
        one.user,
        one.messages,
        shortBytes(one.bytes),
        one.oldest === undefined ? '-' : age(one.oldest),
        one.sessions,
      ]);
      return table(['user', 'messages', 'size', 'oldest', 'sessions'], rows);
    },
  },
  async run({ server, services }, { limit }) {
    const rows = await server.inquiries.backlogs(limit);
    return { users: rows.map((row) => backlogOf(row, services.settings.domain)) };
  },
});

export const kick = operation({
  name: 'kick',
  summary: 'End the sessions of a user; their clients reconnect',
  role: 'operator',
  changes: true,
  input: z.strictObject({
    user: userField,
    resource: z.string().max(1023).default('').meta({ description: 'Only this one.' }),
  }),
  output: z.object({ user: z.string(), sessions: z.int() }).meta({ id: 'Kicked' }),
  confirm: 'End the sessions of {user}{/resource}? Their clients reconnect.',
  look: {
    arguments: ['user', 'resource'],
    print: ({ user, sessions }) => `Ended ${sessions} sessions of ${user}.`,
  },
  async run(context, { user, resource }) {
    const { server, services } = context;
    const name = existingUser(context, user);
    const { rows } = await server.inquiries.sessions(name, MAX_ROWS);
    const ended = rows.filter((row) => resource === '' || row.resource === resource);
    const address = `${name}@${services.settings.domain}`;
    if (ended.length === 0) {
      const whose = resource === '' ? address : `${address}/${resource}`;
      throw new Refusal('session-exists', `${whose} has no session.`, { status: 404 });
    }
    server.engine.send({
      kind: 'CloseSessions',
      user: name,
      resource,
      except: 0n,
      condition: StreamCondition.reset,
      text: 'An operator has ended this session.',
    });
    return { user: address, sessions: ended.length };
  },
});

export const findingOperations: readonly AnyOperation[] = [
  where,
  sessionList,
  mailboxShow,
  backlogList,
  kick,
];
