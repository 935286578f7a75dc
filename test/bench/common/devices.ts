// Devices for the load tools: each account's first ones, with the keys that the tools derive
// (native/load/compact_login.cc).

import { createHash } from 'node:crypto';
import { keyPair } from '../../../src/sdk/noise/handshake.js';
import { Devices } from '../../../src/services/devices.js';
import { Store } from '../../../src/services/store.js';
import type { TestServer } from '../../e2e/support/server.js';

const BATCH = 1000;

/** Gives every account devices 1 to `count`. The server must not run yet. */
export async function addBenchDevices(
  dataFolder: string,
  users: readonly string[],
  count = 1,
): Promise<void> {
  const store = Store.open(dataFolder);
  const devices = new Devices(store);
  for (let at = 0; at < users.length; at += BATCH) {
    await store.transaction(() => {
      for (const user of users.slice(at, at + BATCH)) {
        for (let number = 1; number <= count; number++) {
          const secret = createHash('sha256').update(`rookery bench device ${user} ${number}`);
          const key = keyPair(secret.digest()).publicKey;
          devices.add(user, { key, name: 'bench', tokenHash: `bench ${user} ${number}` });
        }
      }
    });
  }
  await store.close();
}

/** The Noise key of a running server, as the tools take it. */
export async function serverKey(server: TestServer): Promise<string> {
  const response = await fetch(`${server.httpUrl}api/v1/server`);
  const { serverKey: key } = (await response.json()) as { serverKey: string };
  return Buffer.from(key, 'base64').toString('hex');
}
