// What several control-plane tests need: a folder that goes away, and services over a real store.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configFromObject } from '../src/config/load.js';
import type { ConfigInput } from '../src/config/schema.js';
import { deriveCredentials } from '../src/services/scram.js';
import { openServices, type Services } from '../src/services/services.js';
import { settingsOf } from '../src/services/settings.js';
import { Store } from '../src/services/store.js';

/** A new folder for one test; `remove` takes it away. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'rookery-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Services over a store in a folder of their own. */
export class TestServices {
  readonly folder = temporaryFolder();
  readonly services: Services;

  constructor(input: ConfigInput = {}) {
    const config = configFromObject({ domain: 'example.org', data: this.folder.path, ...input });
    const settings = settingsOf(config, '1.2.3', { live: true });
    this.services = openServices(Store.open(config.data), settings);
  }

  /** Makes accounts; the password is `pw`. */
  async addUsers(...users: string[]): Promise<void> {
    const credentials = await deriveCredentials('pw', 4096);
    await this.services.accounts.write(
      users.map((user) => ({ user, credentials })),
      'add',
    );
  }

  async close(): Promise<void> {
    await this.services.store.close();
    this.folder.remove();
  }
}
