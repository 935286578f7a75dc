// PINs that wait to be sent. The request for one is answered before it is sent, so that how long
// a gateway takes tells nothing, and a slow one holds up nobody but its own queue.

import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../base/log.js';
import { maskedNumber } from './phone-number.js';
import { type PinMessage, type PinSender, SendError } from './pin-sender.js';

const MAX_SENDING = 16;
const FIRST_BACKOFF_MS = 1000;
const CLOSE_MS = 2000;

/** Counters of the outbox. */
export interface OutboxStats {
  readonly name: 'pins';
  readonly depth: number;
  readonly limit: number;
  readonly refused: number;
  readonly sent: number;
  readonly failed: number;
}

interface Waiting {
  readonly message: PinMessage;
  readonly deadline: number;
}

/** Sends with a few at a time, each with several attempts. */
export class PinOutbox {
  private readonly waiting: Waiting[] = [];
  private readonly stopped = new AbortController();
  private readonly working = new Set<Promise<void>>();
  private reserved = 0;
  private refused = 0;
  private sent = 0;
  private failed = 0;

  constructor(
    private readonly sender: PinSender,
    private readonly limit: number,
    private readonly log: Logger,
  ) {
    setMaxListeners(2 * MAX_SENDING, this.stopped.signal);
  }

  /** Keeps a place for one more, or says that there is none. `add` or `release` must follow. */
  reserve(): boolean {
    if (this.waiting.length + this.reserved >= this.limit || this.stopped.signal.aborted) {
      this.refused++;
      return false;
    }
    this.reserved++;
    return true;
  }

  /** Gives a place back. */
  release(): void {
    this.reserved--;
  }

  /** Takes a PIN into the place that was kept for it. */
  add(message: PinMessage): void {
    this.reserved--;
    if (this.stopped.signal.aborted) return;
    this.waiting.push({ message, deadline: Date.now() + message.expiresInSeconds * 1000 });
    if (this.working.size >= MAX_SENDING) return;
    const work = this.work().finally(() => this.working.delete(work));
    this.working.add(work);
  }

  stats(): OutboxStats {
    const { limit, refused, sent, failed } = this;
    const depth = this.waiting.length + this.working.size;
    return { name: 'pins', depth, limit, refused, sent, failed };
  }

  /** Gives up what is not sent: whoever waits for it asks again. */
  async close(): Promise<void> {
    this.waiting.length = 0;
    this.stopped.abort();
    await Promise.race([Promise.all(this.working), sleep(CLOSE_MS)]);
  }

  private async work(): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      if (await this.deliver(next)) this.sent++;
      else this.failed++;
    }
  }

  private async deliver({ message, deadline }: Waiting): Promise<boolean> {
    const { name, attempts } = this.sender;
    const number = maskedNumber(message.number);
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const began = Date.now();
      const fields = { component: 'pins', sender: name, number, attempt };
      try {
        await this.sender.send(message, this.stopped.signal);
        this.log.info({ ...fields, milliseconds: Date.now() - began }, 'sent a PIN');
        return true;
      } catch (error) {
        const again = error instanceof SendError ? error.again : false;
        const reason = error instanceof SendError ? error.message : 'the sender failed';
        const pause = FIRST_BACKOFF_MS * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
        const last = !again || attempt === attempts || Date.now() + pause > deadline;
        const outcome = last ? 'given up' : `again in ${Math.round(pause)} ms`;
        this.log[last ? 'error' : 'warn'](
          { ...fields, milliseconds: Date.now() - began },
          `a PIN was not sent, ${outcome}: ${reason}`,
        );
        if (last || !(await this.pause(pause))) return false;
      }
    }
    return false;
  }

  private async pause(milliseconds: number): Promise<boolean> {
    try {
      await sleep(milliseconds, undefined, { signal: this.stopped.signal });
      return true;
    } catch {
      return false; // Stopped meanwhile.
    }
  }
}
