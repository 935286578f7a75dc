// Operations on accounts. Keys travel, passwords never do.

import { z } from 'zod';
import { errorText } from '../base/errors.js';
import { removeAccount } from '../services/account-removal.js';
import { accountEntries, accountsFromJson } from '../services/account-wire.js';
import { existingUser, unknownAccount, userField } from './names.js';
import { type AnyOperation, operation } from './operation.js';
import { Refusal } from './refusal.js';

const PAGE = 10_000;

export const accountList = operation({
  name: 'account list',
  summary: 'List the accounts',
  role: 'viewer',
  changes: false,
  input: z.strictObject({
    after: z.string().default('').meta({ description: 'Begin behind this name.' }),
    limit: z.int().min(1).max(PAGE).default(PAGE).meta({ description: 'The most to list.' }),
  }),
  output: z
    .object({
      users: z.array(z.string()),
      next: z.string().meta({ description: '`after` of the next page; empty at the end.' }),
    })
    .meta({ id: 'AccountList' }),
  offline: true,
  look: { handmade: true },
  async run({ services }, { after, limit }) {
    const users: string[] = [];
    for (const { user } of services.accounts.after(after)) {
      if (users.length === limit) return { users, next: users.at(-1) ?? '' };
      users.push(user);
    }
    return { users, next: '' };
  },
});

export const accountWrite = operation({
  name: 'account write',
  summary: 'Make accounts, or change their passwords',
  description:
    'Takes SCRAM keys (RFC 5802), never passwords: the caller derives them, so that nothing ' +
    'between here and there can read one.',
  role: 'admin',
  changes: true,
  input: z.strictObject({
    mode: z.enum(['add', 'change', 'import']).meta({
      description: '`add` only makes, `change` only changes, `import` does either.',
    }),
    entries: accountEntries,
  }),
  output: z
    .object({
      outcomes: z
        .array(z.enum(['added', 'changed', 'exists', 'missing']))
        .meta({ description: 'What became of each entry, in their order.' }),
    })
    .meta({ id: 'AccountsWritten' }),
  offline: true,
  seconds: 120,
  look: { handmade: true },
  async run({ services, apply }, { mode, entries }) {
    let accounts: ReturnType<typeof accountsFromJson>;
    try {
      accounts = accountsFromJson(entries, services.settings.domain);
    } catch (error) {
      throw new Refusal('user-name', `These are no accounts: ${errorText(error)}`, { status: 400 });
    }
    const outcomes = await services.accounts.write(accounts, mode);
    const written = accounts.filter(
      (_, index) => outcomes[index] === 'added' || outcomes[index] === 'changed',
    );
    await apply(written.map(({ user }) => ({ kind: 'RefreshAccount', user })));
    return { outcomes };
  },
});

export const accountDelete = operation({
  name: 'account delete',
  summary: 'Delete an account and everything kept for it',
  role: 'admin',
  changes: true,
  input: z.strictObject({ user: userField }),
  output: z.object({ deleted: z.string() }).meta({ id: 'AccountDeleted' }),
  confirm: 'Delete {user}, with contacts, devices and waiting messages?',
  offline: true,
  look: { arguments: ['user'], print: ({ deleted }) => `Deleted ${deleted}.` },
  async run(context, input) {
    const user = existingUser(context, input.user);
    const effects = await removeAccount(context.services, user);
    if (effects === undefined) throw unknownAccount(context, user); // Somebody was faster.
    await context.apply(effects);
    return { deleted: `${user}@${context.services.settings.domain}` };
  },
});

export const accountOperations: readonly AnyOperation[] = [
  accountList,
  accountWrite,
  accountDelete,
];
