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

const UNKNOWN: MetricsHelp = {
  shards: {},
  counters: {},
  histograms: {},
  phases_us: {},
  mailboxes: {},
  queues: {},
  stores: {},
  contention: {},
  memory: {},
};

/** Asks the engine, which need not run; one that is older than this says nothing. */
export function metricsHelp(): MetricsHelp {
  const native = loadNative() as unknown as { metricsHelp?: () => string };
  return native.metricsHelp === undefined
    ? UNKNOWN
    : (JSON.parse(native.metricsHelp()) as MetricsHelp);
}
