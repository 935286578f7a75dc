// The worker that owns a SQLite database in OPFS, the browser's private file system.

import sqlite3InitModule, { type Database } from '@sqlite.org/sqlite-wasm';
import type { SqlRow, Statement } from '../sdk/store/sql-database.js';
import type { DatabaseAnswer, DatabaseRequest } from '../sdk/store/worker-database.js';

let database: Database | undefined;

async function open(name: string): Promise<void> {
  const sqlite3 = await sqlite3InitModule();
  // A pool for each account: a pool belongs to one tab at a time.
  const pool = await sqlite3.installOpfsSAHPoolVfs({
    name: `rookery-${name}`,
    directory: `/rookery-${name}`,
  });
  database = new pool.OpfsSAHPoolDb('/messages.sqlite3');
}

function opened(): Database {
  if (database === undefined) throw new Error('the database is not open');
  return database;
}

function run(statement: Statement): number {
  const bind = statement.values === undefined ? {} : { bind: [...statement.values] };
  opened().exec({ sql: statement.sql, ...bind });
  return opened().changes();
}

function rows(statement: Statement): SqlRow[] {
  const bind = statement.values === undefined ? {} : { bind: [...statement.values] };
  return opened().exec({
    sql: statement.sql,
    ...bind,
    rowMode: 'object',
    returnValue: 'resultRows',
  }) as SqlRow[];
}

async function perform(request: DatabaseRequest): Promise<unknown> {
  switch (request.kind) {
    case 'open':
      return open(request.name);
    case 'change':
      return opened().transaction(() => request.statements.map(run));
    case 'rows':
      return rows(request.statement);
    case 'close':
      return opened().close();
  }
}

// One after another, also while the database opens.
let chain: Promise<void> = Promise.resolve();
self.addEventListener('message', ({ data }: MessageEvent<DatabaseRequest>) => {
  chain = chain.then(async () => {
    const answer: DatabaseAnswer = { number: data.number };
    try {
      answer.result = await perform(data);
    } catch (error) {
      answer.error = (error as Error).message;
    }
    self.postMessage(answer);
  });
});
