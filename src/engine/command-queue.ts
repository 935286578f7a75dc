// The queue of commands on their way to the engine. Commands of one turn of the event loop cross
// in one batch; what the engine has no room for waits here, in order. When the queue itself is
// full, push() throws and the caller must refuse its own work (or wait for room() beforehand).
import { type Command, encodeCommand } from './boundary.gen.js';
import { RecordWriter } from './record-buffer.js';

/** Large enough to make a crossing cheap, small enough to find room in the engine's queues. */
const BATCH_BYTES = 64 * 1024;
const RETRY_MS = 2;

export class CommandQueueFullError extends Error {
  override readonly name = 'CommandQueueFullError';
  constructor(bytes: number) {
    super(`the engine has not taken ${bytes} bytes of commands: it is overloaded or stopped`);
  }
}

export interface CommandQueueStats {
  /** Bytes that wait. */
  depth: number;
  limit: number;
  /** Commands that push() refused. */
  refused: number;
  /** Times that the engine had no room for a batch. */
  full: number;
}

export class CommandQueue {
  readonly #submit: (batch: Uint8Array) => boolean;
  readonly #limitBytes: number;
  /** Batches that are complete and wait. */
  #sealed: Buffer[] = [];
  #sealedBytes = 0;
  #open = new RecordWriter(BATCH_BYTES);
  #scheduled = false;
  #waiters: (() => void)[] = [];
  #refused = 0;
  #full = 0;
  #closed = false;

  /** `submit` is the addon's: false when a queue of the engine is full. */
  constructor(submit: (batch: Uint8Array) => boolean, limitBytes = 64 * 1024 * 1024) {
    this.#submit = submit;
    this.#limitBytes = limitBytes;
  }

  /** Takes a command; it crosses at the end of this turn of the event loop, or later. */
  push(command: Command): void {
    if (this.#closed || this.#depth() >= this.#limitBytes) {
      this.#refused += 1;
      throw new CommandQueueFullError(this.#depth());
    }
    encodeCommand(this.#open, command);
    if (this.#open.length >= BATCH_BYTES) this.#seal();
    this.#schedule(false);
  }

  /** Resolves when at least half of the queue is free: for those who push many commands. */
  room(): Promise<void> {
    if (this.#depth() < this.#limitBytes / 2) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  /** Hands over what waits, as far as the engine takes it. Whether it took everything. */
  flush(): boolean {
    if (this.#closed) return this.#depth() === 0;
    if (this.#open.length > 0) this.#seal();
    let waiting = this.#sealed[0];
    while (waiting !== undefined) {
      // Taken off first, so that a batch at which submit() throws is not tried for ever.
      this.#sealed.shift();
      this.#sealedBytes -= waiting.length;
      if (!this.#submit(waiting)) {
        this.#sealed.unshift(waiting);
        this.#sealedBytes += waiting.length;
        this.#full += 1;
        break;
      }
      waiting = this.#sealed[0];
    }
    if (this.#depth() < this.#limitBytes / 2) {
      for (const resolve of this.#waiters.splice(0)) resolve();
    }
    return this.#sealed.length === 0;
  }

  /** Forgets what waits and refuses everything from now on. */
  close(): void {
    this.#closed = true;
    this.#sealed = [];
    this.#sealedBytes = 0;
    this.#open.clear();
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  stats(): CommandQueueStats {
    return {
      depth: this.#depth(),
      limit: this.#limitBytes,
      refused: this.#refused,
      full: this.#full,
    };
  }

  #depth(): number {
    return this.#sealedBytes + this.#open.length;
  }

  #seal(): void {
    // The writer keeps its memory, so what waits needs a copy of its own.
    const batch = Buffer.from(this.#open.written());
    this.#sealed.push(batch);
    this.#sealedBytes += batch.length;
    this.#open.clear();
  }

  #schedule(engineFull: boolean): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const run = () => {
      this.#scheduled = false;
      if (!this.flush() && !this.#closed) this.#schedule(true);
    };
    if (engineFull) setTimeout(run, RETRY_MS);
    else setImmediate(run);
  }
}
