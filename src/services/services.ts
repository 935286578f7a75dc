// Everything the handlers work with, over one store. The main thread has one of these, and so has
// every pool worker.

import { Accounts } from './accounts.js';
import { Blocks } from './blocks.js';
import { Devices } from './devices.js';
import { DiscoveryBudget } from './discovery-budget.js';
import { Documents } from './documents.js';
import { Numbers } from './numbers.js';
import { Privacy } from './privacy.js';
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
  readonly numbers: Numbers;
  readonly privacy: Privacy;
  readonly budget: DiscoveryBudget;
}

/** Opens the tables of a store. */
export function openServices(store: Store, settings: Settings): Services {
  const rosters = new Rosters(store);
  const blocks = new Blocks(store);
  const numbers = new Numbers(store);
  return {
    settings,
    store,
    accounts: new Accounts(store, settings.live),
    rosters,
    blocks,
    documents: new Documents(store),
    devices: new Devices(store),
    registrations: new Registrations(store),
    numbers,
    privacy: new Privacy(store, numbers, rosters, blocks),
    budget: new DiscoveryBudget(store, settings.limits.discoveryNumbersPerDay),
  };
}
