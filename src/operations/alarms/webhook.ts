// Sends what becomes of alarms to somebody's webhook: in order, one at a time, each with several
// attempts, and never more of them waiting than a few hundred.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../base/log.js';
import { postWebhook, SendError, type WebhookOptions } from '../../services/webhook.js';
import type { QueueStatus } from '../queue-status.js';

const LIMIT = 500;
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;
const CLOSE_MS = 2000;

interface Waiting {
  readonly id: string;
  readonly body: string;
}

/** The queue before the webhook. */
export class AlarmWebhook {
  private readonly waiting: Waiting[] = [];
  private readonly stopped = new AbortController();
  private working: Promise<void> | undefined;
  private refused = 0;

  constructor(
    private readonly options: WebhookOptions & { readonly attempts: number },
    private readonly log: Logger,
  ) {}

  /** `id` is the same for every attempt. */
  send(id: string, message: object): void {
    if (this.stopped.signal.aborted) return;
    if (this.waiting.length >= LIMIT) {
      this.refused++;
      this.log.error({ component: 'alarm webhook', id }, 'too many wait: this one is not sent');
      return;
    }
    this.waiting.push({ id, body: JSON.stringify(message) });
    this.working ??= this.work().finally(() => {
      this.working = undefined;
    });
  }

  stats(): QueueStatus {
    const depth = this.waiting.length + (this.working === undefined ? 0 : 1);
    return { name: 'alarm webhook', depth, limit: LIMIT, refused: this.refused };
  }

  /** Gives what is under way a moment; what waits is in the history. */
  async close(): Promise<void> {
    await Promise.race([this.working, sleep(CLOSE_MS, undefined, { ref: false })]);
    this.waiting.length = 0;
    this.stopped.abort();
    await this.working;
  }

  private async work(): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      await this.deliver(next);
    }
  }

  private async deliver({ id, body }: Waiting): Promise<void> {
    const { signal } = this.stopped;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await postWebhook(this.options, id, body, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const last =
          attempt >= this.options.attempts || !(error instanceof SendError && error.again);
        const reason = error instanceof Error ? error.message : String(error);
        this.log[last ? 'error' : 'warn'](
          { component: 'alarm webhook', id, attempt },
          `${last ? 'given up' : 'tried again soon'}: ${reason}`,
        );
        if (last) return;
        const pause = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), MAX_PAUSE_MS);
        await sleep(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
