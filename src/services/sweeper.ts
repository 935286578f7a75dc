// Removes records that have had their time, a step at a time, so that no table grows for ever and
// no transaction takes long.

import type { Table } from './store.js';

const STEP = 1000;

/** Walks round and round through one table. */
export class Sweeper<Value> {
  private at: string[] = [];

  constructor(
    private readonly table: Table<Value>,
    private readonly keyOf: (value: Value) => string[],
    private readonly isOver: (value: Value, now: number) => boolean,
  ) {}

  /** One step. Belongs into a transaction. Returns how many records went. */
  sweep(now: number): number {
    const over: string[][] = [];
    let seen = 0;
    let last: string[] = [];
    const from = this.at.length === 0 ? this.table.values() : this.table.valuesAfter(...this.at);
    for (const value of from) {
      if (seen === STEP) break;
      seen++;
      last = this.keyOf(value);
      if (this.isOver(value, now)) over.push(last);
    }
    for (const key of over) this.table.remove(...key);
    this.at = seen === STEP ? last : [];
    return over.length;
  }
}
