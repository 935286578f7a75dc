// Traces under way. Whoever traces a user asks again and again for what has come since; who stops
// asking is forgotten, so that no user is traced for ever.

import { randomUUID } from 'node:crypto';
import { errorText } from '../base/errors.js';
import type { Traced } from '../engine/boundary.gen.js';
import type { Inquiries } from '../engine/inquiries.js';
import { redact } from './redact.js';

const MAX_TRACES = 16;
const MAX_WAITING = 2000;
const FORGOTTEN_AFTER_MS = 60_000;

/** A stanza of a traced user. */
export interface TracedStanza {
  /** Microseconds since 1970. */
  readonly atUs: number;
  readonly resource: string;
  /** `in`: the client sent it; `out`: it was sent to the client. */
  readonly direction: 'in' | 'out';
  readonly stanza: string;
}

/** What has come since it was last asked for. */
export interface TraceNews {
  readonly stanzas: readonly TracedStanza[];
  /** So many more came than were kept. */
  readonly dropped: number;
}

class Trace {
  private stanzas: TracedStanza[] = [];
  private dropped = 0;
  private arrived: (() => void) | undefined;
  private timer: NodeJS.Timeout;
  readonly end: () => void;

  constructor(
    inquiries: Inquiries,
    user: string,
    private readonly bodies: boolean,
    private readonly forgotten: () => void,
  ) {
    const stop = inquiries.trace(user, (traced) => this.add(traced));
    this.timer = this.watch();
    this.end = () => {
      clearTimeout(this.timer);
      stop();
      this.arrived?.();
    };
  }

  async read(waitMs: number): Promise<TraceNews> {
    clearTimeout(this.timer);
    if (this.stanzas.length === 0) await this.arrival(waitMs);
    this.timer = this.watch();
    const news = { stanzas: this.stanzas, dropped: this.dropped };
    this.stanzas = [];
    this.dropped = 0;
    return news;
  }

  private arrival(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.arrived?.(), waitMs);
      this.arrived = () => {
        clearTimeout(timer);
        this.arrived = undefined;
        resolve();
      };
    });
  }

  private watch(): NodeJS.Timeout {
    return setTimeout(this.forgotten, FORGOTTEN_AFTER_MS).unref();
  }

  private add({ atUs, resource, outgoing, stanza }: Traced): void {
    if (this.stanzas.length >= MAX_WAITING) {
      this.dropped++;
      return;
    }
    this.stanzas.push({
      atUs: Number(atUs),
      resource,
      direction: outgoing === 0 ? 'in' : 'out',
      stanza: this.bodies ? stanza : this.redacted(stanza),
    });
    this.arrived?.();
  }

  private redacted(stanza: string): string {
    try {
      return redact(stanza);
    } catch (error) {
      return `<!-- ${stanza.length} characters, not shown: ${errorText(error)} -->`;
    }
  }
}

/** The traces of a server. */
export class Traces {
  private readonly traces = new Map<string, Trace>();

  constructor(private readonly inquiries: Inquiries) {}

  /** Begins one; undefined when there are too many. */
  start(user: string, bodies: boolean): string | undefined {
    if (this.traces.size >= MAX_TRACES) return undefined;
    const id = randomUUID();
    this.traces.set(id, new Trace(this.inquiries, user, bodies, () => this.stop(id)));
    return id;
  }

  /** Waits for news, at most so long; undefined when there is no such trace. */
  read(id: string, waitMs: number): Promise<TraceNews> | undefined {
    return this.traces.get(id)?.read(waitMs);
  }

  /** Ends one; false when there is no such trace. */
  stop(id: string): boolean {
    const trace = this.traces.get(id);
    trace?.end();
    return this.traces.delete(id);
  }

  stopAll(): void {
    for (const id of [...this.traces.keys()]) this.stop(id);
  }
}
