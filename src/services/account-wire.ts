// Accounts as JSON: keys travel, passwords never do.

import { z } from 'zod';
import { type AccountKeys, accountName } from './accounts.js';
import { SALT_BYTES, type ScramKeys } from './scram.js';

const MIN_ITERATIONS = 4096;
const bytes = z
  .string()
  .transform((text): Uint8Array => new Uint8Array(Buffer.from(text, 'base64')));
const keys = z.strictObject({
  iterations: z.number().int().min(MIN_ITERATIONS),
  salt: bytes.refine((salt) => salt.length === SALT_BYTES, `${SALT_BYTES} bytes of salt`),
  storedKey: bytes,
  serverKey: bytes,
});
const entry = z.strictObject({
  user: z.string(),
  credentials: z.strictObject({ sha1: keys, sha256: keys }),
});

/** Accounts with their keys in Base64. */
export const accountEntries = z.array(entry).max(10_000);

function keysToJson(from: ScramKeys): z.input<typeof keys> {
  const base64 = (data: Uint8Array): string => Buffer.from(data).toString('base64');
  return {
    iterations: from.iterations,
    salt: base64(from.salt),
    storedKey: base64(from.storedKey),
    serverKey: base64(from.serverKey),
  };
}

/** The JSON form. */
export function accountsToJson(entries: readonly AccountKeys[]): z.input<typeof accountEntries> {
  return entries.map(({ user, credentials }) => ({
    user,
    credentials: { sha1: keysToJson(credentials.sha1), sha256: keysToJson(credentials.sha256) },
  }));
}

/** The accounts of a list that its schema has let through; throws when a name is not one. */
export function accountsFromJson(
  entries: z.output<typeof accountEntries>,
  domain: string,
): AccountKeys[] {
  for (const { user } of entries) {
    if (accountName(user, domain) !== user) throw new Error(`${user} is not an account's name`);
  }
  return entries;
}
