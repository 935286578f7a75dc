// What operators ask of the shards, and the stanzas of traced users. A question goes to one shard
// or to all; its rows come as events, and each shard says when it is done.

import type {
  Backlog,
  Command,
  EngineEvent,
  MailboxRow,
  MessageStep,
  SessionRow,
  Traced,
} from './boundary.gen.js';

const TIMEOUT_MS = 10_000;

/** Rows of an answer; `truncated` when there were more than it may hold. */
export interface Answer<Row> {
  readonly rows: readonly Row[];
  readonly truncated: boolean;
}

type Row = MessageStep | SessionRow | Backlog | MailboxRow;
type Question = Extract<Command, { inquiry: bigint }>;

interface Asked {
  readonly rows: Row[];
  readonly done: (truncated: boolean) => void;
  shardsLeft: number;
  truncated: boolean;
}

/** Hears the stanzas of a traced user. */
export type TraceListener = (traced: Traced) => void;

/** Asks the engine. Main thread. */
export class Inquiries {
  readonly #send: (command: Command) => void;
  readonly #shards: number;
  readonly #asked = new Map<bigint, Asked>();
  readonly #traced = new Map<string, Set<TraceListener>>();
  #last = 0n;

  constructor(send: (command: Command) => void, shards: number) {
    this.#send = send;
    this.#shards = shards;
  }

  /** What became of the messages with that stanza id, in the order of time. */
  async whereIs(id: string): Promise<Answer<MessageStep>> {
    const answer = await this.#ask<MessageStep>(
      (inquiry) => ({ kind: 'FindMessage', inquiry, id }),
      this.#shards,
    );
    const rows = [...answer.rows].sort((one, other) => Number(one.atUs - other.atUs));
    return { ...answer, rows };
  }

  /** Sessions of a user, or of everybody: `limit` of each shard. */
  sessions(user: string | undefined, limit: number): Promise<Answer<SessionRow>> {
    return this.#ask<SessionRow>(
      (inquiry) => ({ kind: 'ListSessions', inquiry, user: user ?? '', limit }),
      this.#shards,
    );
  }

  /** How much waits for a user, and the oldest of it. No total: the engine has no such user. */
  async mailbox(
    user: string,
    limit: number,
  ): Promise<{ total: Backlog | undefined; rows: readonly MailboxRow[]; truncated: boolean }> {
    const { rows, truncated } = await this.#ask<Backlog | MailboxRow>(
      (inquiry) => ({ kind: 'ShowMailbox', user, inquiry, limit }),
      1,
    );
    return {
      total: rows.find((row): row is Backlog => row.kind === 'Backlog'),
      rows: rows.filter((row): row is MailboxRow => row.kind === 'MailboxRow'),
      truncated,
    };
  }

  /** The users for whom the most messages wait, the fullest first. */
  async backlogs(limit: number): Promise<readonly Backlog[]> {
    const { rows } = await this.#ask<Backlog>(
      (inquiry) => ({ kind: 'ListBacklogs', inquiry, limit }),
      this.#shards,
    );
    return [...rows].sort((one, other) => other.messages - one.messages).slice(0, limit);
  }

  /** Reports every stanza of a user's sessions until the function returned is called. */
  trace(user: string, listener: TraceListener): () => void {
    const listeners = this.#traced.get(user) ?? new Set();
    this.#traced.set(user, listeners);
    listeners.add(listener);
    if (listeners.size === 1) this.#send({ kind: 'TraceUser', user, on: 1 });
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#traced.delete(user);
      this.#send({ kind: 'TraceUser', user, on: 0 });
    };
  }

  /** Takes an event; false when it is none of an answer or a trace. */
  take(event: EngineEvent): boolean {
    switch (event.kind) {
      case 'MessageStep':
      case 'SessionRow':
      case 'Backlog':
      case 'MailboxRow':
        this.#asked.get(event.inquiry)?.rows.push(event);
        return true;
      case 'InquiryDone':
        this.#done(event.inquiry, event.truncated !== 0);
        return true;
      case 'Traced':
        for (const listener of this.#traced.get(event.user) ?? []) listener(event);
        return true;
      default:
        return false;
    }
  }

  #ask<Wanted extends Row>(
    question: (inquiry: bigint) => Question,
    shards: number,
  ): Promise<Answer<Wanted>> {
    const inquiry = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(inquiry);
        reject(new Error(`the engine has not answered in ${TIMEOUT_MS / 1000} seconds`));
      }, TIMEOUT_MS);
      const rows: Row[] = [];
      this.#asked.set(inquiry, {
        rows,
        shardsLeft: shards,
        truncated: false,
        done: (truncated) => {
          clearTimeout(timer);
          // The question decides which rows come.
          resolve({ rows: rows as Wanted[], truncated });
        },
      });
      try {
        this.#send(question(inquiry));
      } catch (error) {
        clearTimeout(timer);
        this.#asked.delete(inquiry);
        reject(error);
      }
    });
  }

  #done(inquiry: bigint, truncated: boolean): void {
    const asked = this.#asked.get(inquiry);
    if (asked === undefined) return;
    asked.truncated ||= truncated;
    asked.shardsLeft--;
    if (asked.shardsLeft > 0) return;
    this.#asked.delete(inquiry);
    asked.done(asked.truncated);
  }
}
