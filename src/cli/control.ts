// `rookery stop`, `status`, `reload`: what is asked of a running server.

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { loadConfig } from '../config/load.js';
import { DataLock } from '../services/data-lock.js';
import { callServer } from './admin-client.js';

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
const POLL_MS = 50;
const STOP_MARGIN_SECONDS = 10;

interface ConfigOption {
  readonly config?: string;
}

const reloadReply = z.object({ version: z.number(), handlers: z.array(z.string()) });
const queueReply = z.object({
  name: z.string(),
  depth: z.number(),
  limit: z.number(),
  refused: z.number(),
});
const statusReply = z.object({
  version: z.string(),
  pid: z.number(),
  uptimeSeconds: z.number(),
  accounts: z.number(),
  listeners: z.array(z.string()),
  handlersVersion: z.number(),
  usersOnline: z.number(),
  residentBytes: z.number(),
  queues: z.array(queueReply),
  engine: z.object({
    counters: z.record(z.string(), z.number()),
    queues: z.array(queueReply),
  }),
});

/** Asks the server to stop, and waits until its process has gone. */
export async function stop(option: ConfigOption): Promise<void> {
  const { config } = loadConfig(option.config);
  const holder = DataLock.holder(config.data);
  await callServer(config.data, 'POST', '/stop');
  const deadline = Date.now() + (config.shutdown.drainSeconds + STOP_MARGIN_SECONDS) * 1000;
  while (DataLock.holder(config.data)?.identity === holder?.identity && holder !== undefined) {
    if (Date.now() > deadline) {
      throw new UserError(
        `The server (process ${holder.pid}) has not stopped yet.`,
        'Look at its log.',
      );
    }
    await sleep(POLL_MS);
  }
  console.log('Stopped.');
}

/** Loads new handler code into the running server. */
export async function reload(option: ConfigOption): Promise<void> {
  const { config } = loadConfig(option.config);
  const reply = reloadReply.parse(await callServer(config.data, 'POST', '/reload'));
  console.log(`Loaded version ${reply.version} of ${reply.handlers.length} handlers.`);
}

/** Prints how the server is. */
export async function status(option: ConfigOption & { readonly json?: boolean }): Promise<void> {
  const { config } = loadConfig(option.config);
  const answer = await callServer(config.data, 'GET', '/status');
  if (option.json) {
    console.log(JSON.stringify(answer, undefined, 2));
    return;
  }
  const reply = statusReply.parse(answer);
  console.log(`rookery ${reply.version}, process ${reply.pid}, up ${uptime(reply.uptimeSeconds)}`);
  console.log(`listeners: ${reply.listeners.join(', ')}`);
  console.log(`accounts: ${reply.accounts}`);
  console.log(`users online: ${reply.usersOnline}`);
  console.log(`memory: ${(reply.residentBytes / 1024 ** 2).toFixed(0)} MiB`);
  for (const name of SUMMARY) {
    console.log(`${name.replaceAll('_', ' ')}: ${reply.engine.counters[name] ?? 0}`);
  }
  const queues = [...reply.queues, ...reply.engine.queues];
  const rows = queues.map(({ name, depth, limit, refused }) => ({
    name,
    depth,
    limit,
    refused,
  }));
  if (rows.length > 0) console.table(rows);
}

function uptime(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const clock = new Date((seconds % 86_400) * 1000).toISOString().slice(11, 19);
  return days === 0 ? clock : `${days} d ${clock}`;
}
