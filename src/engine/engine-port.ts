// What the control plane needs of the engine. Engine is it; the tests of the control plane alone
// have another.

import type { Command, EngineConfig, EngineEvent } from './boundary.gen.js';
import type { CommandQueueStats } from './command-queue.js';
import { Engine } from './engine.js';
import type { EngineStats } from './engine-stats.js';

/** A running engine. */
export interface EnginePort {
  /** Throws CommandQueueFullError when too many commands wait. */
  send(command: Command): void;
  /** Resolves when there is room for more commands. */
  room(): Promise<void>;
  stats(): EngineStats;
  commandQueue(): CommandQueueStats;
  /** Whether all streams were closed and all mailboxes flushed in time. */
  drain(seconds: number): Promise<boolean>;
  stop(): void;
}

/** Starts an engine. */
export type StartEngine = (
  config: EngineConfig,
  onEvents: (events: EngineEvent[]) => void,
) => EnginePort;

/** Starts the engine of this process. */
export const startEngine: StartEngine = (config, onEvents) => Engine.start(config, onEvents);
