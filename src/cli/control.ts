// `rookery stop`: asks the server to stop, and waits until it has.

import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { loadConfig } from '../config/load.js';
import { serverStop } from '../operations/server-operations.js';
import { DataLock } from '../services/data-lock.js';
import { callServer } from './admin-client.js';

const POLL_MS = 50;
const STOP_MARGIN_SECONDS = 10;

interface ConfigOption {
  readonly config?: string;
}

/** Asks the server to stop, and waits until its process has gone. */
export async function stop(option: ConfigOption): Promise<void> {
  const { config } = loadConfig(option.config);
  const holder = DataLock.holder(config.data);
  await callServer(config.data, serverStop, {});
  const deadline = Date.now() + (config.shutdown.drainSeconds + STOP_MARGIN_SECONDS) * 1000;
  while (DataLock.holder(config.data)?.identity === holder?.identity && holder !== undefined) {
    if (Date.now() > deadline) {
      throw new UserError(
        `The server (process ${holder.pid}) has not stopped yet.`,
        'Look at its log.',
      );
    }
    await sleep(POLL_MS);
  }
  console.log('Stopped.');
}
