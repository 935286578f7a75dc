// Everything the handlers work with, over one store. The main thread has one of these, and so has
// every pool worker.

import { Accounts } from './accounts.js';
import { Blocks } from './blocks.js';
import { Devices } from './devices.js';
import { Documents } from './documents.js';
import { Registrations } from './registrations.js';
import { Rosters } from './rosters.js';
import type { Settings } from './settings.js';
import type { Store } from './store.js';

export interface Services {
  readonly settings: Settings;
  readonly store: Store;
  readonly accounts: Accounts;
  readonly rosters: Rosters;
  readonly blocks: Blocks;
  readonly documents: Documents;
  readonly devices: Devices;
  readonly registrations: Registrations;
}

/** Opens the tables of a store. */
export function openServices(store: Store, settings: Settings): Services {
  return {
    settings,
    store,
    accounts: new Accounts(store, settings.live),
    rosters: new Rosters(store),
    blocks: new Blocks(store),
    documents: new Documents(store),
    devices: new Devices(store),
    registrations: new Registrations(store),
  };
}
