// A live trace of one user's stanzas: begun, read again and again, and ended. What people say has
// been replaced by its length before it leaves the server.

import { signal } from '@preact/signals';
import type { TracedStanza, TraceNews, TraceStarted } from '../api/answers.js';
import { query } from './session.js';
import { complain } from './toasts.js';

const MOST = 300;
const WAIT_SECONDS = 10;

export interface Tracing {
  readonly user: string;
  readonly stanzas: readonly (TracedStanza & { readonly key: number })[];
  /** So many more came than the server or this page keep. */
  readonly dropped: number;
}

export const tracing = signal<Tracing | undefined>(undefined);
let stopper: AbortController | undefined;
let keys = 0;

function add({ stanzas, dropped }: TraceNews): void {
  const current = tracing.value;
  if (current === undefined) return;
  const all = [...current.stanzas, ...stanzas.map((stanza) => ({ ...stanza, key: keys++ }))];
  const cut = Math.max(0, all.length - MOST);
  tracing.value = {
    ...current,
    stanzas: all.slice(cut),
    dropped: current.dropped + dropped + cut,
  };
}

async function read(trace: string, { signal: ended }: AbortController): Promise<void> {
  while (!ended.aborted) {
    const input = { trace, wait: WAIT_SECONDS };
    const news = await query<TraceNews>('api/v1/trace/read', { input, signal: ended });
    if (!ended.aborted) add(news);
  }
}

export function stopTracing(): void {
  stopper?.abort();
  stopper = undefined;
  tracing.value = undefined;
}

export async function startTracing(user: string): Promise<void> {
  stopTracing();
  const own = new AbortController();
  stopper = own;
  let trace: string | undefined;
  try {
    const started = await query<TraceStarted>('api/v1/trace/start', {
      method: 'POST',
      input: { user },
    });
    ({ trace } = started);
    if (!own.signal.aborted) {
      tracing.value = { user: started.user, stanzas: [], dropped: 0 };
      await read(trace, own);
    }
  } catch (error) {
    if (own.signal.aborted) {
      // It was stopped: that is how it ends.
    } else {
      complain(error);
      stopTracing();
    }
  }
  if (trace === undefined) return;
  try {
    await query('api/v1/trace/stop', { method: 'POST', input: { trace } });
  } catch {
    // A trace that nobody reads ends by itself in a minute.
  }
}
