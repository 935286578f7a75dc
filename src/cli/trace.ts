// `rookery trace USER`: the stanzas of a user, as they come and go.

import { loadConfig } from '../config/load.js';
import { traceRead, traceStart, traceStop } from '../operations/trace-operations.js';
import { callServer } from './admin-client.js';

interface TraceOptions {
  readonly config?: string;
  readonly bodies?: boolean;
  readonly json?: boolean;
  readonly seconds?: string;
}

/** Prints until it is interrupted, or so many seconds have passed. */
export async function trace(user: string, options: TraceOptions): Promise<void> {
  const { config } = loadConfig(options.config);
  const started = await callServer(config.data, traceStart, { user, bodies: options.bodies });
  const end =
    options.seconds === undefined ? Infinity : Date.now() + Number(options.seconds) * 1000;
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    void callServer(config.data, traceStop, { trace: started.trace }).catch(() => undefined);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  console.error(`Tracing ${started.user}; interrupt to stop.`);
  try {
    while (!stopped && Date.now() < end) {
      const wait = Math.max(0, Math.min(10, Math.ceil((end - Date.now()) / 1000)));
      const news = await callServer(config.data, traceRead, { trace: started.trace, wait });
      for (const one of news.stanzas) {
        console.log(options.json === true ? JSON.stringify(one) : line(one));
      }
      if (news.dropped > 0) console.error(`… ${news.dropped} stanzas are missing here`);
    }
  } catch (error) {
    if (!stopped) throw error;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    if (!stopped) stop();
  }
}

type Stanza = Awaited<ReturnType<typeof traceRead.run>>['stanzas'][number];

function line({ atUs, resource, direction, stanza }: Stanza): string {
  const clock = new Date(Math.floor(atUs / 1000)).toISOString().slice(11, 23);
  return `${clock} ${direction === 'in' ? '→' : '←'} ${resource}  ${stanza}`;
}
