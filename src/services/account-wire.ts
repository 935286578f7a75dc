// Accounts as JSON, for the admin socket: keys travel, passwords never do.

import { z } from 'zod';
import {
  type AccountKeys,
  type AccountOutcome,
  type AccountWrite,
  accountName,
} from './accounts.js';
import { SALT_BYTES, type ScramKeys } from './scram.js';

const MIN_ITERATIONS = 4096;
const bytes = z.string().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
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
const writeRequest = z.strictObject({
  mode: z.enum(['add', 'change', 'import']),
  entries: z.array(entry).max(10_000),
});

/** A request to write accounts. */
export interface AccountWriteRequest {
  readonly mode: AccountWrite;
  readonly entries: AccountKeys[];
}

/** What became of each entry, in order. */
export interface AccountWriteReply {
  readonly outcomes: AccountOutcome[];
}

function keysToJson(from: ScramKeys): object {
  const base64 = (data: Uint8Array): string => Buffer.from(data).toString('base64');
  return {
    iterations: from.iterations,
    salt: base64(from.salt),
    storedKey: base64(from.storedKey),
    serverKey: base64(from.serverKey),
  };
}

/** The JSON form of a request. */
export function accountWriteToJson({ mode, entries }: AccountWriteRequest): object {
  return {
    mode,
    entries: entries.map(({ user, credentials }) => ({
      user,
      credentials: { sha1: keysToJson(credentials.sha1), sha256: keysToJson(credentials.sha256) },
    })),
  };
}

/** Reads the JSON form; throws an error in words when it is not one, or a name is not one. */
export function accountWriteFromJson(json: unknown, domain: string): AccountWriteRequest {
  const request = writeRequest.parse(json);
  for (const { user } of request.entries) {
    if (accountName(user, domain) !== user) throw new Error(`${user} is not an account's name`);
  }
  return request;
}
