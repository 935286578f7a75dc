// The accounts as the command line sees them: through the running server, or, when none runs, in
// the files themselves.

import { z } from 'zod';
import { removeAccount } from '../services/account-removal.js';
import { accountWriteToJson } from '../services/account-wire.js';
import type { AccountKeys, AccountOutcome, AccountWrite } from '../services/accounts.js';
import { DataLock } from '../services/data-lock.js';
import { openServices, type Services } from '../services/services.js';
import type { Settings } from '../services/settings.js';
import { Store } from '../services/store.js';
import { callServer, serverRuns } from './admin-client.js';

/** Where a command finds the accounts. */
export interface AccountPort {
  write(entries: AccountKeys[], mode: AccountWrite): Promise<AccountOutcome[]>;
  /** False when there was no such account. */
  remove(user: string): Promise<boolean>;
  list(): Promise<string[]>;
  close(): Promise<void>;
}

const writeReply = z.object({
  outcomes: z.array(z.enum(['added', 'changed', 'exists', 'missing'])),
});
const removeReply = z.object({ removed: z.boolean() });
const listReply = z.object({ users: z.array(z.string()), next: z.string() });

class ServerAccounts implements AccountPort {
  constructor(private readonly dataFolder: string) {}

  async write(entries: AccountKeys[], mode: AccountWrite): Promise<AccountOutcome[]> {
    const body = accountWriteToJson({ entries, mode });
    const reply = await callServer(this.dataFolder, 'POST', '/accounts', body);
    return writeReply.parse(reply).outcomes;
  }

  async remove(user: string): Promise<boolean> {
    const path = `/accounts/${encodeURIComponent(user)}`;
    return removeReply.parse(await callServer(this.dataFolder, 'DELETE', path)).removed;
  }

  async list(): Promise<string[]> {
    const users: string[] = [];
    for (let after = ''; ; ) {
      const path = `/accounts?after=${encodeURIComponent(after)}`;
      const page = listReply.parse(await callServer(this.dataFolder, 'GET', path));
      users.push(...page.users);
      if (page.next === '') return users;
      after = page.next;
    }
  }

  async close(): Promise<void> {
    // Each request is a connection of its own.
  }
}

class FileAccounts implements AccountPort {
  private readonly lock: DataLock;
  private readonly services: Services;

  constructor(settings: Settings) {
    this.lock = DataLock.take(settings.dataFolder, 'rookery account');
    this.services = openServices(Store.open(settings.dataFolder), settings);
  }

  async write(entries: AccountKeys[], mode: AccountWrite): Promise<AccountOutcome[]> {
    return await this.services.accounts.write(entries, mode);
  }

  async remove(user: string): Promise<boolean> {
    return (await removeAccount(this.services, user)) !== undefined;
  }

  async list(): Promise<string[]> {
    return [...this.services.accounts.all()].map(({ user }) => user);
  }

  async close(): Promise<void> {
    await this.services.store.close();
    this.lock.release();
  }
}

/** Opens the accounts, runs `work`, and closes them whatever happens. */
export async function withAccounts<Result>(
  settings: Settings,
  work: (port: AccountPort) => Promise<Result>,
): Promise<Result> {
  const { dataFolder } = settings;
  const port = serverRuns(dataFolder) ? new ServerAccounts(dataFolder) : new FileAccounts(settings);
  try {
    return await work(port);
  } finally {
    await port.close();
  }
}
