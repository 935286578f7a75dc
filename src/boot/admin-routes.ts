// What the admin socket answers.

import { errorText, UserError } from '../base/errors.js';
import type { Dispatcher } from '../pool/dispatcher.js';
import { removeAccount } from '../services/account-removal.js';
import {
  type AccountWriteReply,
  type AccountWriteRequest,
  accountWriteFromJson,
} from '../services/account-wire.js';
import { deviceToJson } from '../services/devices.js';
import type { Facts } from '../services/facts.js';
import { removeDevice } from '../services/registration/device-keeper.js';
import type { Services } from '../services/services.js';
import type { AdminRoutes } from './admin-server.js';

/** What the routes need of a server. */
export interface Administered {
  required(): { services: Services; facts: Facts; dispatcher: Dispatcher };
  status(): object;
  reload(): Promise<object>;
  stop(): Promise<void>;
}

const PAGE = 10_000;

async function writeAccounts(server: Administered, json: unknown): Promise<AccountWriteReply> {
  const { services, dispatcher } = server.required();
  let request: AccountWriteRequest;
  try {
    request = accountWriteFromJson(json, services.settings.domain);
  } catch (error) {
    throw new UserError(`These are no accounts: ${errorText(error)}`);
  }
  const outcomes = await services.accounts.write(request.entries, request.mode);
  const written = request.entries.filter(
    (_, index) => outcomes[index] === 'added' || outcomes[index] === 'changed',
  );
  await dispatcher.apply(written.map(({ user }) => ({ kind: 'RefreshAccount', user })));
  return { outcomes };
}

function listAccounts(server: Administered, after: string): { users: string[]; next: string } {
  const { services } = server.required();
  const users: string[] = [];
  for (const { user } of services.accounts.after(after)) {
    if (users.length === PAGE) return { users, next: users.at(-1) ?? '' };
    users.push(user);
  }
  return { users, next: '' };
}

/** `USER` in the rest of a path, or `USER/NUMBER`. */
function deviceOf(rest: string): { user: string; id: number } {
  const slash = rest.lastIndexOf('/');
  return { user: rest.slice(0, slash), id: Number(rest.slice(slash + 1)) };
}

/** The routes of a server. */
export function adminRoutes(server: Administered): AdminRoutes {
  return {
    'GET status': async () => server.status(),
    'POST reload': () => server.reload(),
    'POST stop': async () => {
      // After the answer: the stop closes this very socket.
      setImmediate(() => void server.stop());
      return { stopping: true };
    },
    'POST accounts': async ({ body }) => await writeAccounts(server, await body()),
    'GET accounts': async ({ query }) => listAccounts(server, query.get('after') ?? ''),
    'DELETE accounts': async ({ rest }) => {
      const { services, dispatcher } = server.required();
      const effects = await removeAccount(services, rest);
      if (effects !== undefined) await dispatcher.apply(effects);
      return { removed: effects !== undefined };
    },
    'GET devices': async ({ rest }) => {
      const { services } = server.required();
      if (!services.accounts.exists(rest)) return { exists: false, devices: [] };
      return { exists: true, devices: services.devices.list(rest).map(deviceToJson) };
    },
    'DELETE devices': async ({ rest }) => {
      const { services, dispatcher } = server.required();
      const { user, id } = deviceOf(rest);
      const effects = await removeDevice(services, user, id);
      if (effects !== undefined) await dispatcher.apply(effects);
      return { removed: effects !== undefined };
    },
  };
}
