// Operations on the server as a whole.

import { z } from 'zod';
import { type AnyOperation, operation } from './operation.js';

/** The engine's counters that a glance needs; `--json` has them all. */
const SUMMARY = [
  'connections',
  'unauthenticated',
  'sessions',
  'sessions_waiting',
  'logins',
  'messages_in',
  'messages_delivered',
  'mailbox_now',
  'mailbox_bytes',
  'stream_errors',
];

const queue = z.looseObject({
  name: z.string(),
  depth: z.number(),
  limit: z.number(),
  refused: z.number(),
});
const statusReply = z
  .object({
    version: z.string(),
    pid: z.int(),
    uptimeSeconds: z.int(),
    domain: z.string(),
    accounts: z.int(),
    usersOnline: z.int(),
    listeners: z.array(z.string()),
    handlersVersion: z.int(),
    residentBytes: z.int(),
    queues: z.array(queue).meta({ description: 'The queues of the control plane.' }),
    engine: z
      .looseObject({ counters: z.record(z.string(), z.number()), queues: z.array(queue) })
      .meta({ description: 'What the engine counts.' }),
  })
  .meta({ id: 'ServerStatus' });

function uptime(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const clock = new Date((seconds % 86_400) * 1000).toISOString().slice(11, 19);
  return days === 0 ? clock : `${days} d ${clock}`;
}

function queueLines(queues: readonly z.output<typeof queue>[]): string[] {
  if (queues.length === 0) return [];
  const width = Math.max(...queues.map(({ name }) => name.length));
  const cells = (name: string, ...figures: unknown[]): string =>
    [name.padEnd(width), ...figures.map((figure) => String(figure).padStart(10))].join(' ');
  return [
    cells('queue', 'depth', 'limit', 'refused'),
    ...queues.map(({ name, depth, limit, refused }) => cells(name, depth, limit, refused)),
  ];
}

export const serverStatus = operation({
  name: 'status',
  summary: 'Say how the server is',
  role: 'viewer',
  changes: false,
  input: z.strictObject({}),
  output: statusReply,
  look: {
    print: (reply) =>
      [
        `rookery ${reply.version}, process ${reply.pid}, up ${uptime(reply.uptimeSeconds)}`,
        `listeners: ${reply.listeners.join(', ')}`,
        `accounts: ${reply.accounts}`,
        `users online: ${reply.usersOnline}`,
        `memory: ${(reply.residentBytes / 1024 ** 2).toFixed(0)} MiB`,
        ...SUMMARY.map(
          (name) => `${name.replaceAll('_', ' ')}: ${reply.engine.counters[name] ?? 0}`,
        ),
        ...queueLines([...reply.queues, ...reply.engine.queues]),
      ].join('\n'),
  },
  run: async ({ server }) => server.status(),
});

export const serverReload = operation({
  name: 'reload',
  summary: 'Load new handler code and the certificate, hanging up on nobody',
  description: 'A version of the handlers that fails its self-test is refused; nothing changes.',
  role: 'operator',
  changes: true,
  input: z.strictObject({}),
  output: z.object({ version: z.int(), handlers: z.array(z.string()) }).meta({ id: 'Reloaded' }),
  confirm: 'Load the handler code and the certificate again? Nobody is hung up on.',
  seconds: 700,
  look: {
    print: ({ version, handlers }) => `Loaded version ${version} of ${handlers.length} handlers.`,
  },
  run: ({ server }) => server.reload(),
});

export const serverStop = operation({
  name: 'stop',
  summary: 'Stop the server gracefully',
  description: 'Clients are sent away so that they reconnect, and every mailbox is committed.',
  role: 'admin',
  changes: true,
  input: z.strictObject({}),
  output: z.object({ stopping: z.boolean() }).meta({ id: 'Stopping' }),
  confirm: 'Stop the server? Every client is sent away.',
  look: { handmade: true },
  async run({ server }) {
    // After the answer: the stop closes this very way.
    setImmediate(() => void server.stop());
    return { stopping: true };
  },
});

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export const logLevel = operation({
  name: 'log-level',
  summary: 'Say how much is logged, or change it until the server stops',
  role: 'operator',
  changes: true,
  input: z.strictObject({
    level: z.enum(LEVELS).optional().meta({ description: 'Without it nothing changes.' }),
  }),
  output: z.object({ level: z.string() }).meta({ id: 'LogLevel' }),
  look: { arguments: ['level'], print: ({ level }) => level },
  async run({ server: { log } }, { level }) {
    if (level !== undefined) log.level = level;
    return { level: log.level };
  },
});

export const serverOperations: readonly AnyOperation[] = [
  serverStatus,
  serverReload,
  serverStop,
  logLevel,
];
