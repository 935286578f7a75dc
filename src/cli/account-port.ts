// The accounts as the command line sees them: through the running server, or, when none runs, in
// the files themselves.

import { z } from 'zod';
import { removeAccount } from '../services/account-removal.js';
import { accountWriteToJson } from '../services/account-wire.js';
import type { AccountKeys, AccountOutcome, AccountWrite } from '../services/accounts.js';
import { DataLock } from '../services/data-lock.js';
import { type DeviceSummary, deviceToJson } from '../services/devices.js';
import { removeDevice } from '../services/registration/device-keeper.js';
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
  /** Undefined when there is no such account. */
  devices(user: string): Promise<DeviceSummary[] | undefined>;
  /** False when there was no such device. */
  removeDevice(user: string, id: number): Promise<boolean>;
  close(): Promise<void>;
}

const writeReply = z.object({
  outcomes: z.array(z.enum(['added', 'changed', 'exists', 'missing'])),
});
const removeReply = z.object({ removed: z.boolean() });
const devicesReply = z.object({
  exists: z.boolean(),
  devices: z.array(z.object({ id: z.number(), name: z.string(), created: z.number() })),
});
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

  async devices(user: string): Promise<DeviceSummary[] | undefined> {
    const path = `/devices/${encodeURIComponent(user)}`;
    const reply = devicesReply.parse(await callServer(this.dataFolder, 'GET', path));
    return reply.exists ? reply.devices : undefined;
  }

  async removeDevice(user: string, id: number): Promise<boolean> {
    const path = `/devices/${encodeURIComponent(user)}/${id}`;
    return removeReply.parse(await callServer(this.dataFolder, 'DELETE', path)).removed;
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

  async devices(user: string): Promise<DeviceSummary[] | undefined> {
    const { accounts, devices } = this.services;
    return accounts.exists(user) ? devices.list(user).map(deviceToJson) : undefined;
  }

  async removeDevice(user: string, id: number): Promise<boolean> {
    return (await removeDevice(this.services, user, id)) !== undefined;
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
