// What the engine's figures mean, in the engine's own words.

import { loadNative } from './native.js';

/** What is known of a figure beside its value. */
export interface FigureHelp {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** `us`, `bytes`, `seconds`, or what is counted; may be empty. */
  readonly unit: string;
  readonly help: string;
}

type Group = Readonly<Record<string, FigureHelp>>;

/** By the part of `Engine.stats()` in which the figures are. */
export interface MetricsHelp {
  readonly shards: Group;
  readonly counters: Group;
  readonly histograms: Group;
  readonly phases_us: Group;
  readonly mailboxes: Group;
  readonly queues: Group;
  readonly stores: Group;
  readonly contention: Group;
  readonly memory: Group;
}

/** Asks the engine, which need not run. */
export function metricsHelp(): MetricsHelp {
  return JSON.parse(loadNative().metricsHelp()) as MetricsHelp;
}
