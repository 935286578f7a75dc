// The little of SQLite that the message store needs, so that it is the same over a file in Node and
// over OPFS in a browser.

export type SqlValue = string | number | null | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

/** One statement with the values for its question marks. */
export interface Statement {
  readonly sql: string;
  readonly values?: readonly SqlValue[];
}

/** An open database. Calls may overlap; they take effect in the order in which they were made. */
export interface SqlDatabase {
  /** Runs statements in one transaction, all or none; gives how many rows each changed. */
  change(statements: readonly Statement[]): Promise<number[]>;
  /** The rows of a query. */
  rows(statement: Statement): Promise<SqlRow[]>;
  close(): Promise<void>;
}
