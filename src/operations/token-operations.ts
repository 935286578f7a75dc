// Operations on the tokens of the admin HTTP interface.

import { z } from 'zod';
import { type AnyOperation, operation } from './operation.js';
import { Refusal } from './refusal.js';
import { ROLES } from './role.js';

const MAX_DAYS = 3650;

const nameField = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,63}$/u, 'Write 1 to 64 letters, digits and . _ @ -')
  .meta({ description: 'Whose it is, or what for: it stands in the log beside what it does.' });
const role = z.enum(ROLES);

function day(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

export const tokenAdd = operation({
  name: 'token add',
  summary: 'Make a token for the admin HTTP interface',
  description: 'The token is shown now and never again.',
  role: 'admin',
  changes: true,
  input: z.strictObject({
    name: nameField,
    role: role.meta({
      description: '`viewer` looks, `operator` acts on sessions and alarms, `admin` does all.',
    }),
    days: z.int().min(0).max(MAX_DAYS).default(0).meta({
      description: 'How many days it is valid; 0: until it is deleted.',
    }),
  }),
  output: z.object({ name: z.string(), role, token: z.string() }).meta({ id: 'TokenAdded' }),
  offline: true,
  look: { arguments: ['name'], print: ({ token }) => token },
  async run({ tokens }, { name, role: granted, days }) {
    const token = await tokens.add(name, granted, days);
    if (token !== undefined) return { name, role: granted, token };
    throw new Refusal('token-name', `There is a token ${name} already.`, {
      advice: 'Choose another name, or delete that one.',
    });
  },
});

export const tokenList = operation({
  name: 'token list',
  summary: 'List the tokens of the admin HTTP interface',
  role: 'admin',
  changes: false,
  input: z.strictObject({}),
  output: z
    .object({
      tokens: z.array(
        z.object({
          name: z.string(),
          role: z.string(),
          created: z.int().meta({ description: 'Milliseconds since 1970.' }),
          expires: z.int().meta({ description: 'Milliseconds since 1970; 0: never.' }),
        }),
      ),
    })
    .meta({ id: 'TokenList' }),
  offline: true,
  look: {
    print({ tokens }) {
      if (tokens.length === 0) return 'There are no tokens.';
      const width = Math.max(...tokens.map(({ name }) => name.length));
      return tokens
        .map(({ name, role: granted, created, expires }) => {
          const end = expires === 0 ? '' : `, until ${day(expires)}`;
          return `${name.padEnd(width)}  ${granted.padEnd(8)}  since ${day(created)}${end}`;
        })
        .join('\n');
    },
  },
  async run({ tokens }) {
    return { tokens: tokens.list().map(({ hash: _, ...shown }) => shown) };
  },
});

export const tokenDelete = operation({
  name: 'token delete',
  summary: 'Delete a token, which ends what it is used for',
  role: 'admin',
  changes: true,
  input: z.strictObject({ name: nameField }),
  output: z.object({ deleted: z.string() }).meta({ id: 'TokenDeleted' }),
  confirm: 'Delete the token {name}? Whatever uses it is refused from then on.',
  offline: true,
  look: { arguments: ['name'], print: ({ deleted }) => `Deleted the token ${deleted}.` },
  async run({ tokens }, { name }) {
    if (await tokens.remove(name)) return { deleted: name };
    throw new Refusal('token-exists', `There is no token ${name}.`, { status: 404 });
  },
});

export const whoAmI = operation({
  name: 'whoami',
  summary: 'Say who asks, and with which role',
  role: 'viewer',
  changes: false,
  input: z.strictObject({}),
  output: z
    .object({
      name: z.string(),
      role,
      via: z.enum(['socket', 'http', 'files']).meta({ description: 'By which way.' }),
      domain: z.string().meta({ description: 'Of the server.' }),
      version: z.string().meta({ description: 'Of the server.' }),
    })
    .meta({ id: 'Caller' }),
  look: { handmade: true },
  run: async ({ caller: { name, role: granted, via }, services: { settings } }) => ({
    name,
    role: granted,
    via,
    domain: settings.domain,
    version: settings.version,
  }),
});

export const tokenOperations: readonly AnyOperation[] = [tokenAdd, tokenList, tokenDelete, whoAmI];
