// Operations on alarms.

import { z } from 'zod';
import { type AlarmState, SEVERITIES } from './alarms/alarm.js';
import { type AnyOperation, operation } from './operation.js';
import { Refusal } from './refusal.js';
import { type AnyStream, stream } from './stream.js';

const MAX_HISTORY = 1000;

const alarmSchema = z
  .object({
    id: z.int(),
    rule: z.string(),
    subject: z.string().meta({ description: 'A queue, a shard, a store, …; may be empty.' }),
    severity: z.enum(SEVERITIES),
    message: z.string(),
    value: z.number().meta({ description: 'The worst so far.' }),
    unit: z.string(),
    threshold: z.number(),
    raisedAt: z.int().meta({ description: 'Milliseconds since 1970.' }),
    clearedAt: z.int().meta({ description: '0 while it is raised.' }),
    acknowledgedBy: z.string().meta({ description: 'Empty while nobody has.' }),
    acknowledgedAt: z.int(),
  })
  .meta({ id: 'Alarm' });
const alarmList = z.object({ alarms: z.array(alarmSchema) });

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ');
}

function line(alarm: AlarmState): string {
  const end = alarm.clearedAt === 0 ? ' '.repeat(19) : time(alarm.clearedAt);
  const seen = alarm.acknowledgedBy === '' ? '' : `  (${alarm.acknowledgedBy} has seen to it)`;
  const head = `${String(alarm.id).padStart(4)}  ${time(alarm.raisedAt)}  ${end}`;
  return `${head}  ${alarm.severity.padEnd(8)}  ${alarm.message}${seen}`;
}

function lines({ alarms }: { readonly alarms: readonly AlarmState[] }): string {
  if (alarms.length === 0) return 'There are none.';
  const head = `  id  ${'raised'.padEnd(19)}  ${'cleared'.padEnd(19)}  severity  what`;
  return [head, ...alarms.map(line)].join('\n');
}

export const alarmShow = operation({
  name: 'alarm list',
  summary: 'List the alarms that are raised',
  role: 'viewer',
  changes: false,
  input: z.strictObject({}),
  output: alarmList.meta({ id: 'RaisedAlarms' }),
  look: { print: lines },
  run: async ({ server }) => ({ alarms: server.alarms.raised() }),
});

export const alarmHistory = operation({
  name: 'alarm history',
  summary: 'List the alarms that there were, the newest first',
  role: 'viewer',
  changes: false,
  input: z.strictObject({
    limit: z.int().min(1).max(MAX_HISTORY).default(100).meta({ description: 'The most to list.' }),
  }),
  output: alarmList.meta({ id: 'AlarmHistory' }),
  look: { print: lines },
  run: async ({ server }, { limit }) => ({ alarms: await server.alarms.past(limit) }),
});

export const alarmAcknowledge = operation({
  name: 'alarm acknowledge',
  summary: 'Say that somebody sees to an alarm',
  description: 'It stays raised until its value is good again, but everybody sees who cares.',
  role: 'operator',
  changes: true,
  input: z.strictObject({ id: z.int().min(1).meta({ description: 'As the list shows it.' }) }),
  output: z.object({ alarm: alarmSchema }).meta({ id: 'AlarmAcknowledged' }),
  look: { arguments: ['id'], print: ({ alarm }) => line(alarm) },
  async run({ server, caller }, { id }) {
    const alarm = server.alarms.acknowledge(id, caller.name);
    if (alarm !== undefined) return { alarm };
    throw new Refusal('alarm-raised', `No alarm ${id} is raised.`, {
      advice: '`rookery alarm list` shows those that are.',
      status: 404,
    });
  },
});

const levels = z.object({ warning: z.number(), critical: z.number(), clear: z.number() });

export const alarmRulesShow = operation({
  name: 'alarm rules',
  summary: 'List what is watched, and at which levels',
  role: 'viewer',
  changes: false,
  input: z.strictObject({}),
  output: z
    .object({
      rules: z.array(
        z.object({
          name: z.string(),
          summary: z.string(),
          unit: z.string(),
          isFloor: z.boolean().meta({ description: 'Whether fewer is worse.' }),
          isOff: z.boolean(),
          advice: z.string(),
          levels,
        }),
      ),
    })
    .meta({ id: 'AlarmRules' }),
  look: {
    print: ({ rules }) =>
      rules
        .map(({ name, unit, isOff, levels: { warning, critical, clear } }) => {
          const words = `warning ${warning}, critical ${critical}, clear ${clear} ${unit}`;
          return `${name.padEnd(13)} ${isOff ? 'off' : words}`;
        })
        .join('\n'),
  },
  run: async ({ server }) => ({
    rules: server.alarms.rules.map(({ rule, levels: at, isOff }) => {
      const { name, summary, unit, isFloor, advice } = rule;
      return { name, summary, unit, isFloor, isOff, advice, levels: at };
    }),
  }),
});

export const alarmStream = stream({
  name: 'alarm stream',
  summary: 'Send what becomes of alarms, as it happens',
  role: 'viewer',
  input: z.strictObject({}),
  item: z
    .object({
      event: z.enum(['raised', 'escalated', 'cleared', 'acknowledged']),
      alarm: alarmSchema,
    })
    .meta({ id: 'AlarmChange' }),
  look: { print: ({ event, alarm }) => `${event.padEnd(12)} ${line(alarm)}` },
  open({ server: { alarms } }, _input, out) {
    const tell = (event: string, alarm: AlarmState): void => out.send({ event, alarm });
    alarms.on('change', tell);
    return () => void alarms.off('change', tell);
  },
});

export const alarmOperations: readonly AnyOperation[] = [
  alarmShow,
  alarmHistory,
  alarmAcknowledge,
  alarmRulesShow,
];
export const alarmStreams: readonly AnyStream[] = [alarmStream];
