// Accounts for one run of `rookery bench`: made through the running server (or in its files), with
// a password that nobody else knows, and deleted behind it.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import type { Config } from '../config/schema.js';
import { accountDelete } from '../operations/account-operations.js';
import { deviceAdd } from '../operations/device-operations.js';
import { keyPair } from '../sdk/noise/handshake.js';
import { deriveCredentials } from '../services/scram.js';
import { writeAccounts } from './account.js';
import { type Perform, withOperations } from './perform.js';

const BATCH = 200;

/** What a run logs in with. */
export interface MadeAccounts {
  /** Lines of user,password. */
  readonly file: string;
  /** Makes the devices' keys this run's own. */
  readonly deviceSecret?: string;
  /** Deletes them, unless they are to stay. */
  remove(keep: boolean): Promise<void>;
}

function progress(what: string, total: number): SingleBar {
  const bar = new SingleBar({
    format: `${what} [{bar}] {value} of {total} accounts, {eta_formatted} left`,
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: 5000,
    hideCursor: true,
  });
  bar.start(total, 0);
  return bar;
}

async function write(perform: Perform, users: readonly string[], password: string, config: Config) {
  // One salt for all of them: the keys are derived once, here and in the load generator.
  const credentials = await deriveCredentials(password, config.accounts.scramIterations);
  const bar = progress('Making', users.length);
  try {
    for (let at = 0; at < users.length; at += BATCH) {
      const entries = users.slice(at, at + BATCH).map((user) => ({ user, credentials }));
      await writeAccounts(perform, entries, 'import');
      bar.increment(entries.length);
    }
  } finally {
    bar.stop();
  }
}

/** The first device of each, with the key that native/load/compact_login.cc derives. */
async function addDevices(perform: Perform, users: readonly string[], secret: string) {
  const bar = progress('Adding the devices of', users.length);
  try {
    for (const user of users) {
      const seed = createHash('sha256').update(`rookery bench device ${user} 1${secret}`).digest();
      const key = Buffer.from(keyPair(seed).publicKey).toString('hex');
      await perform(deviceAdd, { user, key, name: 'rookery bench' });
      bar.increment();
    }
  } finally {
    bar.stop();
  }
}

/** Makes that many, each with a device where the compact protocol is tried. */
export async function makeAccounts(
  config: Config,
  count: number,
  withDevices: boolean,
): Promise<MadeAccounts> {
  const run = randomBytes(3).toString('hex');
  const password = randomBytes(18).toString('base64url');
  const users = Array.from({ length: count }, (_, index) => `bench-${run}-${index}`);
  await withOperations(config, true, async (perform) => {
    await write(perform, users, password, config);
    if (withDevices) await addDevices(perform, users, password);
  });
  const folder = mkdtempSync(join(tmpdir(), 'rookery-bench-'));
  const file = join(folder, 'accounts.csv');
  writeFileSync(file, users.map((user) => `${user},${password}\n`).join(''), { mode: 0o600 });
  return {
    file,
    ...(withDevices ? { deviceSecret: password } : {}),
    async remove(keep) {
      if (keep) {
        console.error(`The accounts and their password are in ${file}.`);
        return;
      }
      const bar = progress('Deleting', users.length);
      await withOperations(config, true, async (perform) => {
        for (const user of users) {
          await perform(accountDelete, { user });
          bar.increment();
        }
      });
      bar.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
