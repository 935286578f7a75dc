// Many accounts at once for the load tools: one password, and so one derivation, for all.

import { loadConfig } from '../../../src/config/load.js';
import { deriveCredentials } from '../../../src/services/scram.js';
import { openServices } from '../../../src/services/services.js';
import { settingsOf } from '../../../src/services/settings.js';
import { Store } from '../../../src/services/store.js';
import { accountNames } from './driver.js';

const BATCH = 1000;

/** Makes u0, u1 …, with the usual password. The server must not run yet. */
export async function addBenchAccounts(
  configFile: string,
  dataFolder: string,
  count: number,
): Promise<void> {
  const { config } = loadConfig(configFile);
  const store = Store.open(dataFolder);
  const { accounts } = openServices(store, settingsOf(config, 'bench', { live: false }));
  const credentials = await deriveCredentials('secret', config.accounts.scramIterations);
  const users = accountNames(count);
  for (let at = 0; at < count; at += BATCH) {
    const entries = users.slice(at, at + BATCH).map((user) => ({ user, credentials }));
    await accounts.write(entries, 'import');
  }
  await store.close();
}
