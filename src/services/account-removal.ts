// The end of an account: its contacts learn that they are no longer subscribed, and everything that
// was kept for it goes.

import type { Effect } from './effects.js';
import type { Services } from './services.js';
import { SubscriptionFlow, severSubscriptions } from './subscriptions.js';

/** Removes an account. Undefined when there was none; otherwise what the engine must be told. */
export async function removeAccount(
  services: Services,
  user: string,
): Promise<Effect[] | undefined> {
  const { store, accounts, rosters, blocks, documents, devices, numbers, privacy, budget } =
    services;
  return await store.transaction(() => {
    if (!accounts.exists(user)) return undefined;
    const flow = new SubscriptionFlow(services);
    for (const item of [...rosters.all(user)]) severSubscriptions(flow, services, user, item);
    rosters.clear(user);
    blocks.save(user, []);
    documents.clear(user);
    devices.clear(user);
    numbers.remove(user);
    privacy.clear(user);
    budget.clear(user);
    accounts.remove(user);
    return [...flow.effects, { kind: 'RefreshAccount', user }];
  });
}
