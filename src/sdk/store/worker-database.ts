// SQLite in a browser: the database lives in a worker (src/page/database-worker.ts), which alone
// may use OPFS synchronously. This is the side that asks.

import type { SqlDatabase, SqlRow, Statement } from './sql-database.js';

/** What is asked of the worker, in this order: first `open`. */
export type DatabaseRequest =
  | { number: number; kind: 'open'; name: string }
  | { number: number; kind: 'change'; statements: readonly Statement[] }
  | { number: number; kind: 'rows'; statement: Statement }
  | { number: number; kind: 'close' };

/** Its answer to the request of that number. */
export type DatabaseAnswer = { number: number; result?: unknown; error?: string };

/** The part of a Worker that is used here. */
export interface WorkerPort {
  postMessage(message: DatabaseRequest): void;
  addEventListener(name: 'message', listener: (event: { data: DatabaseAnswer }) => void): void;
  addEventListener(name: 'error', listener: (event: { message: string }) => void): void;
  terminate(): void;
}

type Unnumbered<Request> = Request extends { number: number } ? Omit<Request, 'number'> : never;

/** Opens the database of that name in the worker; made when it does not exist. */
export async function openWorkerDatabase(worker: WorkerPort, name: string): Promise<SqlDatabase> {
  const waiting = new Map<
    number,
    { resolve: (result: never) => void; reject: (why: Error) => void }
  >();
  let last = 0;
  worker.addEventListener('message', ({ data }) => {
    const { number, result, error } = data;
    const asker = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) asker?.resolve(result as never);
    else asker?.reject(new Error(error));
  });
  worker.addEventListener('error', ({ message }) => {
    for (const { reject } of waiting.values())
      reject(new Error(`the database stopped: ${message}`));
    waiting.clear();
  });
  const ask = <Result>(request: Unnumbered<DatabaseRequest>): Promise<Result> =>
    new Promise((resolve, reject) => {
      const number = ++last;
      waiting.set(number, { resolve, reject });
      worker.postMessage({ ...request, number } as DatabaseRequest);
    });
  await ask({ kind: 'open', name });
  return {
    change: (statements) => ask<number[]>({ kind: 'change', statements }),
    rows: (statement) => ask<SqlRow[]>({ kind: 'rows', statement }),
    async close() {
      await ask({ kind: 'close' });
      worker.terminate();
    },
  };
}
