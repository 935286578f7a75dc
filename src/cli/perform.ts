// Does operations for the command line: the running server does them, or, when none runs and they
// only need its files, they are done here.

import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { version } from '../base/version.js';
import type { Config } from '../config/schema.js';
import type { Caller, OperationContext } from '../operations/context.js';
import type { Operation } from '../operations/operation.js';
import { Refusal } from '../operations/refusal.js';
import { AdminTokens } from '../services/admin-tokens.js';
import { DataLock } from '../services/data-lock.js';
import { openServices } from '../services/services.js';
import { settingsOf } from '../services/settings.js';
import { Store } from '../services/store.js';
import { callServer, serverRuns } from './admin-client.js';

const OWNER: Caller = { name: 'command line', role: 'admin', via: 'files' };

/** Does one operation. */
export type Perform = <Input extends z.ZodObject, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  input: z.input<Input>,
) => Promise<z.output<Output>>;

function overFiles(services: OperationContext['services']): Perform {
  const context: OperationContext = {
    caller: OWNER,
    services,
    tokens: AdminTokens.open(services),
    apply: async () => undefined,
    get server(): never {
      throw new Refusal('server-runs', 'This needs a running server.');
    },
  };
  return async (operation, input) => {
    const checked = operation.input.safeParse(input);
    if (!checked.success) throw new UserError(z.prettifyError(checked.error), '', 2);
    return operation.output.parse(await operation.run(context, checked.data));
  };
}

/** Opens whatever is needed for operations of this kind, and closes it behind `work`. */
export async function withOperations<Result>(
  config: Config,
  offline: boolean,
  work: (perform: Perform) => Promise<Result>,
): Promise<Result> {
  if (!offline || serverRuns(config.data)) {
    return await work((operation, input) => callServer(config.data, operation, input));
  }
  const lock = DataLock.take(config.data, 'rookery command');
  try {
    const store = Store.open(config.data);
    try {
      return await work(
        overFiles(openServices(store, settingsOf(config, version, { live: false }))),
      );
    } finally {
      await store.close();
    }
  } finally {
    lock.release();
  }
}
