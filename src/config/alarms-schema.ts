// The keys under `alarms`: when operators are told, and how.

import { z } from 'zod';
import { integer, text, textList } from './fields.js';

/** The rules, by their names here and in the API. */
export const ALARM_RULES = [
  'queue',
  'eventLoopLag',
  'shardLag',
  'commitTime',
  'mailboxAge',
  'descriptors',
  'memory',
  'certificate',
  'disk',
] as const;
export type AlarmRuleName = (typeof ALARM_RULES)[number];

interface Levels {
  readonly unit: string;
  readonly max: number;
  readonly warning: number;
  readonly critical: number;
  readonly clear: number;
  readonly words?: string;
}

/** The three levels of a rule. */
function levels(what: string, { unit, max, warning, critical, clear, words }: Levels) {
  const level = (name: string, fallback: number) =>
    integer(`${name}: ${what}, in ${unit}.${words === undefined ? '' : ` ${words}`}`, {
      min: 0,
      max,
      fallback,
    });
  return z
    .strictObject({
      warning: level('The alarm is raised', warning),
      critical: level('It becomes critical', critical),
      clear: level('It is cleared', clear),
    })
    .prefault({});
}

const webhook = z.strictObject({
  url: text(
    'Where alarms are sent: a POST of JSON with `event`, `alarm` and `server` (docs/ALARMS.md).',
    'an address such as `https://pager.example.org/rookery`',
    '',
    (value) => (value === '' || /^https?:\/\/[^@\s]+$/u.test(value) ? value : undefined),
    'none',
  ),
  secret: text(
    'Shared with the receiver. The header `X-Rookery-Signature` is `t=`, the seconds since 1970, ' +
      '`,v1=` and the HMAC-SHA-256, in hexadecimal, of these seconds, a dot and the body.',
    'a text of at least 16 characters',
    '',
    (value) => (value === '' || value.length >= 16 ? value : undefined),
    'none',
  ),
  timeoutSeconds: integer('How long one attempt may take.', { min: 1, max: 60, fallback: 10 }),
  attempts: integer('How often one is tried before it is given up, with growing pauses.', {
    min: 1,
    max: 20,
    fallback: 8,
  }),
});

const PERCENT = 100;
const HOUR_US = 3_600_000_000;

/** Rules whose values are worse the smaller they are. */
const FLOORS: readonly AlarmRuleName[] = ['certificate', 'disk'];

/** What is wrong between the keys of the section: the key, and what to say of it. */
export function alarmProblems(alarms: z.output<typeof alarmsSchema>): [string, string][] {
  const problems: [string, string][] = [];
  for (const rule of ALARM_RULES) {
    const { warning, critical, clear } = alarms[rule];
    // With zeros `mailboxAge` follows another key.
    if (rule === 'mailboxAge' && [warning, critical, clear].includes(0)) continue;
    const sign = FLOORS.includes(rule) ? -1 : 1;
    if (sign * (critical - warning) < 0) {
      problems.push([`alarms.${rule}.critical`, 'is better than the warning level']);
    }
    if (sign * (warning - clear) <= 0) {
      problems.push([
        `alarms.${rule}.clear`,
        'is no better than the warning level: an alarm on the edge would ring every second',
      ]);
    }
  }
  const { url, secret } = alarms.webhook;
  if (url !== '' && secret === '') {
    problems.push(['alarms.webhook.secret', 'is not set; the webhook needs it']);
  }
  return problems;
}

/** The section. */
export const alarmsSchema = z.strictObject({
  holdSeconds: integer('How long a level must be reached before an alarm is raised.', {
    min: 0,
    max: 3600,
    fallback: 3,
  }),
  clearSeconds: integer('How long a value must be good before an alarm is cleared.', {
    min: 0,
    max: 3600,
    fallback: 10,
  }),
  off: textList(
    'Rules that are not watched.',
    `a list of ${ALARM_RULES.map((name) => `\`${name}\``).join(', ')}`,
    (value) => ALARM_RULES.find((name) => name === value),
  ),
  memoryBytes: integer(
    'The memory that the server may take, for the rule `memory`; 0: what the machine, or the ' +
      'control group that it runs in, has.',
    { min: 0, max: 2 ** 50, fallback: 0 },
  ),
  webhook: webhook.prefault({}),
  queue: levels('how full a queue is', {
    ...{ unit: 'percent', max: PERCENT },
    ...{ warning: 50, critical: 90, clear: 30 },
  }),
  eventLoopLag: levels('how late the event loop of the control plane is', {
    ...{ unit: 'milliseconds', max: 600_000 },
    ...{ warning: 250, critical: 1000, clear: 100 },
  }),
  shardLag: levels('how long a shard’s turns take, 99 % of a second’s', {
    ...{ unit: 'milliseconds', max: 600_000 },
    ...{ warning: 50, critical: 250, clear: 25 },
  }),
  commitTime: levels('how long commits take, 99 % of a second’s', {
    ...{ unit: 'microseconds', max: HOUR_US },
    ...{ warning: 100_000, critical: 500_000, clear: 50_000 },
  }),
  mailboxAge: levels('how old the oldest waiting message is', {
    ...{ unit: 'seconds', max: 10 * 365 * 86_400 },
    ...{ warning: 0, critical: 0, clear: 0 },
    words: '0: 90, 97 and 80 % of `limits.mailboxDays`, after which messages are given up.',
  }),
  descriptors: levels('how full the fullest descriptor table is', {
    ...{ unit: 'percent', max: PERCENT },
    ...{ warning: 80, critical: 95, clear: 70 },
  }),
  memory: levels('how much of the memory that it may take the server has', {
    ...{ unit: 'percent', max: PERCENT },
    ...{ warning: 80, critical: 92, clear: 75 },
  }),
  certificate: levels('how soon the certificate ends', {
    ...{ unit: 'days', max: 3650 },
    ...{ warning: 14, critical: 3, clear: 15 },
    words: 'Fewer is worse.',
  }),
  disk: levels('how much of the data folder’s file system is free', {
    ...{ unit: 'percent', max: PERCENT },
    ...{ warning: 15, critical: 5, clear: 18 },
    words: 'Less is worse.',
  }),
});
