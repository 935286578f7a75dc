// `rookery start`: the server in the foreground of this process, with its signals.

import { errorText } from '../base/errors.js';
import { createLogger } from '../base/log.js';
import { version } from '../base/version.js';
import { loadConfig } from '../config/load.js';
import { formatListener, Server } from './server.js';

/** Starts, prints `ready`, and resolves when the server has stopped. */
export async function startInForeground(configFile: string | undefined): Promise<void> {
  const { config, file } = loadConfig(configFile);
  const log = createLogger(config.log);
  const named = file === '' ? 'no configuration file' : file;
  log.info({ component: 'boot' }, `rookery ${version}, process ${process.pid}, ${named}`);
  const server = new Server(config, { log });
  const closed = new Promise<void>((resolve) => server.once('closed', resolve));
  let stopping = false;
  const onStop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      log.fatal({ component: 'boot' }, `${signal} again: leaving at once`);
      process.exit(1);
    }
    stopping = true;
    log.info({ component: 'boot' }, `${signal}: sending the clients away and stopping`);
    void server.stop();
  };
  process.on('SIGTERM', onStop);
  process.on('SIGINT', onStop);
  process.on('SIGHUP', () => {
    server.reload().catch((error: unknown) => {
      log.error({ component: 'boot' }, errorText(error));
    });
  });
  await server.start();
  console.log(`ready ${server.open.map(formatListener).join(', ')}; domain ${config.domain}`);
  await closed;
  log.info({ component: 'boot' }, 'stopped');
}
