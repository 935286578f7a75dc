// Random keys that belong to this data folder and are made when they are first asked for.

import { randomBytes } from 'node:crypto';
import type { Store } from './store.js';

const SECRET_BYTES = 32;

/** The key of that name: the same one for as long as the folder lives. */
export async function secret(store: Store, name: string): Promise<Uint8Array> {
  const table = store.table<Uint8Array>('secrets');
  return await store.transaction(() => {
    const known = table.get(name);
    if (known !== undefined) return known;
    const fresh = new Uint8Array(randomBytes(SECRET_BYTES));
    table.put(fresh, name);
    return fresh;
  });
}
