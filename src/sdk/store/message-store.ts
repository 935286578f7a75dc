// What a client keeps: its account, its messages with their ticks, and where its stream was. One
// schema for Node and browsers.

import type { StreamPosition } from '../stream/managed-stream.js';
import type { SqlDatabase, SqlRow, SqlValue, Statement } from './sql-database.js';

/** How far an own message has come, in this order; or that it failed. */
export type Tick = 'queued' | 'accepted' | 'delivered' | 'read' | 'failed';

/** A message as the client's user sees it. */
export interface Message {
  /** Chosen by its sender. */
  readonly id: string;
  /** The other side's bare address. */
  readonly peer: string;
  readonly mine: boolean;
  readonly body: string;
  /** When it was sent, by the clock of whoever knows best: milliseconds since 1970. */
  readonly at: number;
  /** Of an own message. */
  readonly tick?: Tick;
  /** Why it failed: the condition of the server's error. */
  readonly failure?: string;
  readonly edited: boolean;
  /** Taken back by its sender; the body is empty then. */
  readonly retracted: boolean;
  /** Of a message from the other side: whether this user has seen it. */
  readonly seen: boolean;
}

/** One line in the list of chats. */
export interface Chat {
  readonly peer: string;
  readonly last: Message;
  readonly unread: number;
}

/** What the other side is still to be told of its message. */
export interface OwedNotice {
  readonly peer: string;
  readonly id: string;
  readonly notice: 'delivered' | 'read';
}

/** A message that came, before it is stored. */
export interface Incoming {
  readonly id: string;
  readonly peer: string;
  readonly body: string;
  readonly at: number;
  readonly receiptWanted: boolean;
  readonly mine?: boolean;
}

const TICKS: readonly Tick[] = ['queued', 'accepted', 'delivered', 'read'];
const FAILED = 9;
const NOTICE = { delivered: 1, read: 2 } as const;

const SCHEMA: readonly Statement[] = [
  { sql: 'CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)' },
  {
    sql: `CREATE TABLE IF NOT EXISTS messages (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      peer TEXT NOT NULL, mine INTEGER NOT NULL, id TEXT NOT NULL,
      body TEXT NOT NULL, at INTEGER NOT NULL,
      tick INTEGER NOT NULL DEFAULT 0, failure TEXT,
      edited INTEGER NOT NULL DEFAULT 0, retracted INTEGER NOT NULL DEFAULT 0,
      seen INTEGER NOT NULL DEFAULT 0,
      wanted INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0,
      form TEXT NOT NULL DEFAULT 'text', target TEXT,
      UNIQUE (peer, mine, id))`,
  },
  { sql: 'CREATE INDEX IF NOT EXISTS messages_by_time ON messages (peer, at, number)' },
  { sql: 'CREATE INDEX IF NOT EXISTS messages_owed ON messages (number) WHERE told < wanted' },
  {
    sql: `CREATE INDEX IF NOT EXISTS messages_queued ON messages (number)
      WHERE mine = 1 AND tick = 0`,
  },
];

function fact(name: string, value: unknown): Statement {
  return {
    sql: 'INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    values: [name, JSON.stringify(value)],
  };
}

function message(row: SqlRow): Message {
  const mine = row.mine === 1;
  const tick = Number(row.tick);
  return {
    id: String(row.id),
    peer: String(row.peer),
    mine,
    body: String(row.body),
    at: Number(row.at),
    ...(mine ? { tick: TICKS[tick] ?? ('failed' as const) } : {}),
    ...(row.failure === null ? {} : { failure: String(row.failure) }),
    edited: row.edited === 1,
    retracted: row.retracted === 1,
    seen: row.seen === 1,
  };
}

/** An own message that waits to be sent. */
export interface Queued {
  readonly peer: string;
  readonly id: string;
  readonly body: string;
  readonly form: 'text' | 'correction' | 'retraction';
  /** Of a correction or retraction: the id of the message that it is about. */
  readonly target: string | undefined;
}

/** The messages of one account on one device. */
export class MessageStore {
  private constructor(private readonly database: SqlDatabase) {}

  /** Makes what is missing in the database and opens it. */
  static async open(database: SqlDatabase): Promise<MessageStore> {
    await database.change(SCHEMA);
    return new MessageStore(database);
  }

  /** A value that was remembered under a name. */
  async recall<T>(name: string): Promise<T | undefined> {
    const [row] = await this.database.rows({
      sql: 'SELECT value FROM facts WHERE name = ?',
      values: [name],
    });
    return row === undefined ? undefined : (JSON.parse(String(row.value)) as T);
  }

  async remember(name: string, value: unknown): Promise<void> {
    await this.database.change([fact(name, value)]);
  }

  /** Where the stream was when the last stanza was stored. */
  position(): Promise<StreamPosition | undefined> {
    return this.recall('position');
  }

  async setPosition(position: StreamPosition): Promise<void> {
    await this.remember('position', position);
  }

  /** Stores a message that came, once; false when it was there already. */
  async add(incoming: Incoming, position: StreamPosition): Promise<boolean> {
    const { id, peer, body, at, receiptWanted, mine = false } = incoming;
    const [added] = await this.database.change([
      {
        sql: `INSERT OR IGNORE INTO messages (peer, mine, id, body, at, wanted, tick, seen)
              VALUES (?, ?, ?, ?, ?, ?, 1, ?)`,
        values: [peer, Number(mine), id, body, at, Number(receiptWanted), Number(mine)],
      },
      fact('position', position),
    ]);
    return added === 1;
  }

  /** Stores an own message; it waits in the queue. */
  async queue(queued: Queued, at: number): Promise<void> {
    const { peer, id, body, form, target } = queued;
    await this.database.change([
      {
        sql: `INSERT INTO messages (peer, mine, id, body, at, form, target, seen)
              VALUES (?, 1, ?, ?, ?, ?, ?, 1)`,
        values: [peer, id, body, at, form, target ?? null],
      },
    ]);
  }

  /** Own messages that the server has not accepted, oldest first. */
  async queued(): Promise<Queued[]> {
    const rows = await this.database.rows({
      sql: `SELECT peer, id, body, form, target FROM messages WHERE mine = 1 AND tick = 0
            ORDER BY number`,
    });
    return rows.map((row) => ({
      peer: String(row.peer),
      id: String(row.id),
      body: String(row.body),
      form: String(row.form) as Queued['form'],
      target: row.target === null ? undefined : String(row.target),
    }));
  }

  /** Moves own messages forward to a tick; gives those that moved. */
  async tick(peer: string, ids: readonly string[], tick: Tick): Promise<Message[]> {
    const rank = tick === 'failed' ? FAILED : TICKS.indexOf(tick);
    return this.changed(peer, true, ids, 'tick < ?', [rank], 'tick = ?', [rank]);
  }

  /** A read marker covers what was sent before, too. */
  async readUpTo(peer: string, id: string): Promise<Message[]> {
    const rows = await this.database.rows({
      sql: `SELECT id FROM messages WHERE peer = ? AND mine = 1 AND tick IN (1, 2) AND number <=
            (SELECT number FROM messages WHERE peer = ? AND mine = 1 AND id = ?)`,
      values: [peer, peer, id],
    });
    return this.tick(
      peer,
      rows.map((row) => String(row.id)),
      'read',
    );
  }

  /** An own message was refused with an error. */
  async fail(peer: string, id: string, condition: string): Promise<Message[]> {
    return this.changed(peer, true, [id], 'tick < 9', [], 'tick = 9, failure = ?', [condition]);
  }

  /** A message was replaced by its sender. */
  async edit(peer: string, mine: boolean, id: string, body: string): Promise<Message[]> {
    return this.changed(peer, mine, [id], 'retracted = 0', [], 'body = ?, edited = 1', [body]);
  }

  /** A message was taken back by its sender. */
  async retract(peer: string, mine: boolean, id: string): Promise<Message[]> {
    return this.changed(peer, mine, [id], 'retracted = 0', [], "body = '', retracted = 1", []);
  }

  /** This user has seen everything of a chat. */
  async see(peer: string): Promise<void> {
    await this.database.change([
      {
        sql: `UPDATE messages SET seen = 1, wanted = CASE WHEN wanted > 0 THEN 2 ELSE 0 END
              WHERE peer = ? AND mine = 0 AND seen = 0`,
        values: [peer],
      },
    ]);
  }

  /** What other sides are still to be told, oldest first; of a chat only the last read one. */
  async owed(): Promise<OwedNotice[]> {
    const rows = await this.database.rows({
      sql: 'SELECT peer, id, wanted FROM messages WHERE told < wanted ORDER BY number',
    });
    return rows.map((row) => ({
      peer: String(row.peer),
      id: String(row.id),
      notice: row.wanted === NOTICE.read ? ('read' as const) : ('delivered' as const),
    }));
  }

  /** The server has a notice safe. A read marker tells of all messages before it. */
  async told({ peer, id, notice }: OwedNotice): Promise<void> {
    const one = {
      sql: 'UPDATE messages SET told = max(told, ?) WHERE peer = ? AND mine = 0 AND id = ?',
    };
    const upTo = {
      sql: `UPDATE messages SET told = wanted
            WHERE wanted = ? AND peer = ? AND mine = 0 AND number <=
            (SELECT number FROM messages WHERE peer = ? AND mine = 0 AND id = ?)`,
    };
    await this.database.change([
      notice === 'read'
        ? { ...upTo, values: [NOTICE.read, peer, peer, id] }
        : { ...one, values: [NOTICE.delivered, peer, id] },
    ]);
  }

  /** Messages of a chat, oldest first: the last ones, or the last ones before a time. */
  async history(peer: string, limit = 50, before = Number.MAX_SAFE_INTEGER): Promise<Message[]> {
    const rows = await this.database.rows({
      sql: `SELECT * FROM messages WHERE peer = ? AND form = 'text' AND at < ?
            ORDER BY at DESC, number DESC LIMIT ?`,
      values: [peer, before, limit],
    });
    return rows.map(message).reverse();
  }

  /** One message, if it is there. */
  async find(peer: string, mine: boolean, id: string): Promise<Message | undefined> {
    const [row] = await this.row(peer, mine, id);
    return row === undefined ? undefined : message(row);
  }

  /** All chats, the most recent first. */
  async chats(): Promise<Chat[]> {
    const rows = await this.database.rows({
      sql: `SELECT *, (SELECT count(*) FROM messages AS other WHERE other.peer = messages.peer
              AND other.mine = 0 AND other.seen = 0) AS unread
            FROM messages WHERE number IN (SELECT max(number) FROM messages WHERE form = 'text'
              GROUP BY peer) ORDER BY number DESC`,
    });
    return rows.map((row) => ({
      peer: String(row.peer),
      last: message(row),
      unread: Number(row.unread),
    }));
  }

  close(): Promise<void> {
    return this.database.close();
  }

  private row(peer: string, mine: boolean, id: string): Promise<SqlRow[]> {
    return this.database.rows({
      sql: 'SELECT * FROM messages WHERE peer = ? AND mine = ? AND id = ?',
      values: [peer, Number(mine), id],
    });
  }

  private async changed(
    peer: string,
    mine: boolean,
    ids: readonly string[],
    condition: string,
    conditionValues: readonly SqlValue[],
    assignment: string,
    values: readonly SqlValue[],
  ): Promise<Message[]> {
    const moved: Message[] = [];
    for (const id of ids) {
      const [count] = await this.database.change([
        {
          sql: `UPDATE messages SET ${assignment}
                WHERE peer = ? AND mine = ? AND id = ? AND ${condition}`,
          values: [...values, peer, Number(mine), id, ...conditionValues],
        },
      ]);
      // Corrections and retractions have ticks, too, but nobody sees them as messages.
      const [now] = count === 1 ? await this.row(peer, mine, id) : [];
      if (now?.form === 'text') moved.push(message(now));
    }
    return moved;
  }
}
