// The names that callers write, as the server knows them.

import { z } from 'zod';
import { accountName } from '../services/accounts.js';
import type { OperationContext } from './context.js';
import { Refusal } from './refusal.js';

/** A field that names a user. */
export const userField = z
  .string()
  .min(1)
  .max(2048)
  .meta({ description: 'A user: `alice`, or `alice@example.org` of this server’s domain.' });

/** The stored name of a user, whether or not there is such an account. */
export function userName({ services }: OperationContext, written: string): string {
  const { domain } = services.settings;
  const name = accountName(written, domain);
  if (name !== undefined) return name;
  throw new Refusal('user-name', `${written} cannot be an account of ${domain}.`, {
    advice: `Write a name such as alice or alice@${domain}.`,
    status: 400,
  });
}

/** The same of a user who has an account. */
export function existingUser(context: OperationContext, written: string): string {
  const user = userName(context, written);
  if (context.services.accounts.exists(user)) return user;
  throw unknownAccount(context, user);
}

/** Nobody has that name. */
export function unknownAccount({ services }: OperationContext, user: string): Refusal {
  const message = `There is no account ${user}@${services.settings.domain}.`;
  return new Refusal('account-exists', message, { status: 404 });
}
