// The shape of what the engine says of itself (native/engine/engine_stats.cc). Everything that
// counts goes up from the engine's start; a rate is the difference between two looks.
import type { HistogramFigures } from '../base/histogram.js';
import type { CommandQueueStats } from './command-queue.js';

/** Figures by their names; what they mean is in MetricsHelp. */
export type Figures = Readonly<Record<string, number>>;

// Of the engine's, a value is at most an eighth below its bucket's bound.
export type { HistogramFigures };

/** The phases of a turn of a shard's loop, in their order. */
export type PhaseName =
  | 'inbox'
  | 'sockets'
  | 'timers'
  | 'store'
  | 'completions'
  | 'output'
  | 'publish'
  | 'farewell';

export type ShardHistogramName =
  | 'loop_us'
  | 'lag_us'
  | 'batch'
  | 'inbox'
  | 'handover_us'
  | 'delivered_us'
  | 'safe_us';

export type MailboxFigures = {
  readonly messages: number;
  readonly bytes: number;
  readonly cached: number;
  readonly cached_bytes: number;
  readonly written: number;
  readonly drained: number;
  readonly never_on_disk: number;
  readonly never_on_disk_permyriad: number;
  readonly oldest_seconds: number;
};

export type ShardFigures = {
  readonly id: number;
  readonly cpu_us: number;
  readonly woken: number;
  readonly counters: Figures;
  readonly phases_us: Readonly<Record<PhaseName, number>>;
  readonly histograms: Readonly<Record<ShardHistogramName, HistogramFigures>>;
  readonly mailboxes: MailboxFigures;
};

export type QueueFigures = {
  readonly name: string;
  readonly unit: string;
  readonly limit: number;
  readonly depth: number;
  readonly high_water: number;
  readonly pushed: number;
  readonly popped: number;
  readonly refused: number;
  readonly wait_us: HistogramFigures;
};

export type StoreFigures = {
  readonly id: number;
  readonly cpu_us: number;
  readonly commits: number;
  readonly records: number;
  readonly bytes: number;
  readonly failures: number;
  readonly commit_us: HistogramFigures;
  readonly fsync_us: HistogramFigures;
  readonly batch: HistogramFigures;
  readonly reads: number;
  readonly settled: number;
  readonly cleaned: number;
  readonly clean_commits: number;
  readonly clean_us: number;
  readonly present: number;
  readonly dead: number;
  readonly file_bytes: number;
  readonly map_bytes: number;
  readonly woken: number;
};

/** Bytes by subsystem. */
export type MemoryFigures = {
  readonly connections: number;
  readonly sessions: number;
  readonly users: number;
  readonly mailboxes: number;
  readonly transports: number;
  readonly buffers: number;
  readonly journal: number;
  readonly queues: number;
  readonly mapped_files_resident: number;
};

/** Where threads waited for each other. */
export type ContentionFigures = {
  /** The queues that were found full, and how often. */
  readonly full: readonly { readonly name: string; readonly refused: number }[];
  readonly wake_ups: { readonly asked: number; readonly rung: number };
  readonly locks: readonly {
    readonly name: string;
    readonly taken: number;
    readonly waited: number;
    readonly wait_us: number;
  }[];
  readonly commit_waits: {
    readonly senders_slowed: number;
    readonly batches: number;
    readonly wait_us: number;
    readonly refused: number;
  };
  readonly congested_turns: number;
};

/** What the engine's threads say; the native side of it. */
export type NativeStats = {
  /** Sums over the shards. */
  readonly counters: Figures;
  readonly shards: readonly ShardFigures[];
  readonly queues: readonly QueueFigures[];
  readonly stores: readonly StoreFigures[];
  readonly threads: { readonly passwords_cpu_us: number };
  readonly memory: MemoryFigures;
  readonly contention: ContentionFigures;
};

/** What the engine says of itself, and the queue of commands before it. */
export type EngineStats = NativeStats & { readonly commandQueue: CommandQueueStats };

export type FigureHelp = {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** us, bytes, seconds, events …; empty for plain numbers. */
  readonly unit: string;
  readonly help: string;
};

/** What each figure means, by the field of the statistics in which it stands. */
export type MetricsHelp = Readonly<
  Record<
    | 'counters'
    | 'histograms'
    | 'shards'
    | 'phases_us'
    | 'mailboxes'
    | 'queues'
    | 'stores'
    | 'contention'
    | 'memory',
    Readonly<Record<string, FigureHelp>>
  >
>;
