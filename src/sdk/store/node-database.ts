// SQLite in a file, for Node: SQLite's WebAssembly build with access to files, so that nothing has
// to be compiled.

import sqlite from 'node-sqlite3-wasm';
import type { SqlDatabase, SqlRow, SqlValue, Statement } from './sql-database.js';

/** Opens or makes a database; `:memory:` is one that is forgotten. One process at a time. */
export function openNodeDatabase(path: string): SqlDatabase {
  const database = new sqlite.Database(path);
  const values = (statement: Statement): SqlValue[] => [...(statement.values ?? [])];
  return {
    async change(statements) {
      database.exec('BEGIN IMMEDIATE');
      try {
        const changes = statements.map((each) =>
          Number(database.run(each.sql, values(each)).changes),
        );
        database.exec('COMMIT');
        return changes;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    async rows(statement) {
      return database.all(statement.sql, values(statement)) as SqlRow[];
    },
    async close() {
      database.close();
    },
  };
}
