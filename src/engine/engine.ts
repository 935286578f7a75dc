// The engine as the rest of the control plane sees it: commands in, events out, typed. In a pool
// worker, where nothing is received, submitFromWorker() is all there is.
import {
  type Command,
  decodeEvents,
  type EngineConfig,
  type EngineEvent,
  encodeCommand,
  encodeEngineConfig,
} from './boundary.gen.js';
import { CommandQueue, type CommandQueueStats } from './command-queue.js';
import type { EngineStats, MetricsHelp, NativeStats } from './engine-stats.js';
import { loadNative, type NativeAddon } from './native.js';
import { RecordWriter } from './record-buffer.js';

export class Engine {
  readonly #native: NativeAddon;
  readonly #commands: CommandQueue;
  #drained: (() => void) | undefined;
  #running = true;

  private constructor(native: NativeAddon, onEvents: (events: EngineEvent[]) => void) {
    this.#native = native;
    this.#commands = new CommandQueue((batch) => native.submit(batch));
    native.onBatch((batch) => {
      const events = decodeEvents(batch);
      onEvents(events);
      if (events.some(({ kind }) => kind === 'Drained')) this.#drained?.();
    });
  }

  /**
   * Starts the process's one engine: returns when every stored message is indexed and the shards
   * run. Throws when the configuration, the data or an address cannot be used, or when an engine
   * runs already. `onEvents` is called with every batch of events, never during this call. While
   * it runs, the engine keeps the process alive.
   */
  static start(config: EngineConfig, onEvents: (events: EngineEvent[]) => void): Engine {
    const native = loadNative();
    const writer = new RecordWriter();
    encodeEngineConfig(writer, config);
    native.start(writer.written());
    return new Engine(native, onEvents);
  }

  /**
   * Takes a command; all of one turn of the event loop cross together. Throws a
   * CommandQueueFullError when too many wait.
   */
  send(command: Command): void {
    this.#commands.push(command);
  }

  /** Resolves when there is room for many more commands. */
  room(): Promise<void> {
    return this.#commands.room();
  }

  stats(): EngineStats {
    const native = JSON.parse(this.#native.stats()) as NativeStats;
    return { ...native, commandQueue: this.commandQueue() };
  }

  /** What the figures of stats() mean. Any thread, with or without an engine. */
  static metricsHelp(): MetricsHelp {
    return JSON.parse(loadNative().metricsHelp()) as MetricsHelp;
  }

  /** The queue of commands alone. */
  commandQueue(): CommandQueueStats {
    return this.#commands.stats();
  }

  /**
   * Stops accepting, closes every stream so that its client reconnects, and flushes the mailboxes.
   * Resolves with whether that was complete within the seconds given. stop() must follow.
   */
  async drain(seconds: number): Promise<boolean> {
    this.#commands.flush();
    const drained = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), seconds * 1000);
      this.#drained = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.#native.drain();
    return drained;
  }

  /** Ends every thread of the engine; the last events come during this call. May be repeated. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#commands.flush();
    this.#commands.close();
    this.#native.stop();
  }
}

/**
 * Hands commands to the process's engine from any thread, at once. False when the engine has no
 * room: none of them was taken.
 */
export function submitFromWorker(commands: readonly Command[]): boolean {
  const writer = new RecordWriter();
  for (const command of commands) encodeCommand(writer, command);
  return loadNative().submit(writer.written());
}
