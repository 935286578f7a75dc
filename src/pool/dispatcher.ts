// Brings the engine's events to the handlers and their answers back. Events wait in lanes: a user
// always takes the same lane, and a lane has one batch under way, so a user's requests are answered
// in their order; what arrives meanwhile makes the next batch. All lanes together are one finite
// queue, of which one user may fill a small part. When it is full, the client is answered at once
// and chat is unaffected.

import { errorText } from '../base/errors.js';
import { StanzaError } from '../base/stanza-error.js';
import { attribute, parseXml, xml } from '../base/xml.js';
import type { Command } from '../engine/boundary.gen.js';
import { CommandQueueFullError } from '../engine/command-queue.js';
import { type Effect, toAvailable, toSession } from '../services/effects.js';
import type { Facts } from '../services/facts.js';
import { HandlerTimes } from './handler-times.js';
import type { BatchResult, WorkItem } from './work.js';

/** A version of the handlers; HandlerPool is one. */
export interface Handlers {
  answer(items: readonly WorkItem[]): Promise<BatchResult>;
  close(): Promise<void>;
}

/** Where commands go; the engine is one. */
export interface CommandSink {
  /** Throws CommandQueueFullError when too many wait. */
  send(command: Command): void;
  /** Resolves when there is room again. */
  room(): Promise<void>;
}

export interface DispatcherOptions {
  readonly domain: string;
  readonly lanes: number;
  readonly maxQueue: number;
  /** Bytes of stanzas in the queue. */
  readonly maxQueueBytes: number;
  readonly facts: Pick<Facts, 'resolve'>;
  readonly sink: CommandSink;
  /** A handler failed; the client has its answer already. */
  readonly onFailure: (handler: string, message: string) => void;
}

/** How the queue is. */
export interface DispatcherStats {
  readonly name: 'handlers';
  readonly depth: number;
  readonly inProgress: number;
  readonly limit: number;
  readonly refused: number;
  readonly answered: number;
  readonly failed: number;
}

interface Lane {
  items: WorkItem[];
  busy: boolean;
  /** How many the next batch may have. */
  batch: number;
}

const MAX_BATCH = 256;
const FIRST_BATCH = 32;
/** A batch's answers are in memory all at once, several times over: they should not be larger. */
const ANSWER_BYTES = 1 << 20;
/** One user may have so many requests in the queue, or a hundredth of it. */
const LEAST_SHARE = 200;

/** The queue before the handlers. */
export class Dispatcher {
  private readonly lanes: Lane[];
  private readonly underWay = new Map<Handlers, number>();
  private readonly idleWaiters: (() => void)[] = [];
  private stopped = false;
  private readonly waitingOf = new Map<string, number>();
  private readonly times = new HandlerTimes();
  private depth = 0;
  private bytes = 0;
  private inProgress = 0;
  private refused = 0;
  private answered = 0;
  private failed = 0;

  constructor(
    private handlers: Handlers,
    private readonly options: DispatcherOptions,
  ) {
    this.lanes = Array.from({ length: options.lanes }, () => ({
      items: [],
      busy: false,
      batch: FIRST_BATCH,
    }));
  }

  /** Takes an event, or answers that there is no room. */
  dispatch(item: WorkItem): void {
    if (this.stopped) return;
    if (!this.hasRoom(item)) {
      this.refused++;
      this.deliver(this.refusal(item, 'resource-constraint')).catch(this.undeliverable);
      return;
    }
    const lane = this.laneOf(item);
    lane.items.push(item);
    this.depth++;
    this.account(item, 1);
    if (!lane.busy) void this.work(lane);
  }

  private hasRoom(item: WorkItem): boolean {
    const { maxQueue, maxQueueBytes } = this.options;
    if (this.depth + this.inProgress >= maxQueue) return false;
    if (this.bytes > 0 && this.bytes + bytesOf(item) > maxQueueBytes) return false;
    // Whoever asks faster than is answered must not be the reason that others are not.
    const share = Math.max(LEAST_SHARE, Math.floor(maxQueue / 100));
    return !('user' in item) || (this.waitingOf.get(item.user) ?? 0) < share;
  }

  /** Enters (1) or strikes out (-1) what a request takes of the queue. */
  private account(item: WorkItem, change: 1 | -1): void {
    this.bytes += change * bytesOf(item);
    if (!('user' in item)) return;
    const waiting = (this.waitingOf.get(item.user) ?? 0) + change;
    if (waiting === 0) this.waitingOf.delete(item.user);
    else this.waitingOf.set(item.user, waiting);
  }

  /** New batches go to another version; resolves when the old one has answered its last. */
  async swap(handlers: Handlers): Promise<void> {
    const old = this.handlers;
    this.handlers = handlers;
    while ((this.underWay.get(old) ?? 0) > 0) {
      await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    }
    await old.close();
  }

  /** Resolves when every event taken so far has its answer. */
  async drain(): Promise<void> {
    while (this.depth + this.inProgress > 0) {
      await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    }
  }

  /** Hands effects down that did not come from a handler. */
  async apply(effects: readonly Effect[]): Promise<void> {
    await this.deliver(this.options.facts.resolve(effects));
  }

  /** Ends the handlers. What is dispatched from now on has nobody to answer it, or to hear. */
  async close(): Promise<void> {
    this.stopped = true;
    await this.handlers.close();
  }

  stats(): DispatcherStats {
    const { depth, inProgress, refused, answered, failed } = this;
    const limit = this.options.maxQueue;
    return { name: 'handlers', depth, inProgress, limit, refused, answered, failed };
  }

  /** How long handlers took, by namespace, since the start. */
  handlerTimes(): ReturnType<HandlerTimes['figures']> {
    return this.times.figures();
  }

  private laneOf(item: WorkItem): Lane {
    let hash = 0;
    if ('user' in item) {
      for (let at = 0; at < item.user.length; at++) {
        hash = (Math.imul(hash, 31) + item.user.charCodeAt(at)) | 0;
      }
    } else {
      hash = Number(item.connection & 0xffffn);
    }
    const lane = this.lanes[Math.abs(hash) % this.lanes.length];
    if (lane === undefined) throw new Error('a dispatcher has at least one lane');
    return lane;
  }

  private async work(lane: Lane): Promise<void> {
    lane.busy = true;
    while (lane.items.length > 0) {
      const items = lane.items.splice(0, lane.batch);
      const { handlers } = this;
      this.depth -= items.length;
      this.inProgress += items.length;
      this.count(handlers, 1);
      try {
        const commands = await this.answers(handlers, items);
        lane.batch = nextBatch(lane.batch, items.length, commands);
        await this.deliver(commands);
        this.answered += items.length;
      } catch (error) {
        this.undeliverable(error);
      } finally {
        this.inProgress -= items.length;
        for (const item of items) this.account(item, -1);
        this.count(handlers, -1);
        for (const wake of this.idleWaiters.splice(0)) wake();
      }
    }
    lane.busy = false;
  }

  private async answers(handlers: Handlers, items: readonly WorkItem[]): Promise<Command[]> {
    try {
      const { effects, failures, times } = await handlers.answer(items);
      this.times.add(times);
      for (const { handler, message } of failures) {
        this.failed++;
        this.options.onFailure(handler, message);
      }
      return this.options.facts.resolve(effects);
    } catch (error) {
      // The worker died or hung: which of the requests did it cannot be known.
      this.failed += items.length;
      this.options.onFailure('pool', `a batch of ${items.length} was lost: ${errorText(error)}`);
      return items.flatMap((item) => this.refusal(item, 'internal-server-error'));
    }
  }

  /** Hands commands to the engine; waits while its queue is full, which holds up this lane only. */
  private async deliver(commands: readonly Command[]): Promise<void> {
    let spoken = false;
    for (const command of commands) {
      // A new contact's presence comes by way of another shard. What was said to the user before,
      // that the request was granted, must be in the engine by then, or presence overtakes it.
      if (spoken && command.kind === 'PutContact') {
        await new Promise((resolve) => setImmediate(resolve));
        spoken = false;
      }
      spoken ||= command.kind === 'SendToUser';
      for (;;) {
        try {
          this.options.sink.send(command);
          break;
        } catch (error) {
          if (this.stopped || !(error instanceof CommandQueueFullError)) throw error;
          await this.options.sink.room();
          // room() may resolve at once; the engine needs this thread to make progress.
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    }
  }

  private readonly undeliverable = (error: unknown): void => {
    this.failed++;
    this.options.onFailure('dispatcher', errorText(error));
  };

  private count(handlers: Handlers, change: number): void {
    const now = (this.underWay.get(handlers) ?? 0) + change;
    if (now === 0) this.underWay.delete(handlers);
    else this.underWay.set(handlers, now);
  }

  /** An answer without a handler. */
  private refusal(
    item: WorkItem,
    condition: 'resource-constraint' | 'internal-server-error',
  ): Command[] {
    const error = new StanzaError(condition).toElement();
    const { domain } = this.options;
    switch (item.kind) {
      case 'IqRequest': {
        const to = `${item.user}@${domain}/${item.resource}`;
        const from = item.to === '' ? undefined : item.to;
        const stanza = xml('iq', { type: 'error', id: item.id, to, from }, error).toString();
        return [toSession(item.user, item.session, stanza)];
      }
      case 'RegisterRequest': {
        const id = idOf(item.stanza);
        const stanza = xml('iq', { type: 'error', id, from: domain }, error).toString();
        return [{ kind: 'SendToConnection', connection: item.connection, stanza }];
      }
      case 'SubscriptionStanza': {
        const to = `${item.user}@${domain}`;
        const stanza = xml('presence', { type: 'error', from: item.to, to }, error).toString();
        return [toAvailable(item.user, stanza)];
      }
      case 'SessionAvailable':
        return []; // Waiting requests are shown at the next login.
    }
  }
}

/** Twice as many as before, as long as answers of the last ones' size are not too much at once. */
function nextBatch(batch: number, items: number, commands: readonly Command[]): number {
  let bytes = 0;
  for (const command of commands) if ('stanza' in command) bytes += command.stanza.length;
  const fitting = Math.max(1, Math.floor((ANSWER_BYTES * items) / Math.max(1, bytes)));
  return Math.min(batch * 2, MAX_BATCH, fitting);
}

function bytesOf(item: WorkItem): number {
  return 'stanza' in item ? item.stanza.length : 0;
}

function idOf(stanza: string): string | undefined {
  try {
    return attribute(parseXml(stanza), 'id');
  } catch {
    return undefined; // Not a stanza that can be answered by its id.
  }
}
