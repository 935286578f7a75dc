// One version of the handlers, running in a piscina pool of its own. Every worker of a new pool
// loads its modules from the disk again: that is what a reload is.

import { availableParallelism } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Config } from '../config/schema.js';
import type { HandlerFeatures } from '../handlers/handler.js';
import type { Settings } from '../services/settings.js';
import type {
  BatchResult,
  SelfTestResult,
  WorkerProgress,
  WorkerResult,
  WorkerSetup,
  WorkerTask,
  WorkItem,
} from './work.js';

const here = fileURLToPath(import.meta.url);

/** What a pool needs of the configuration. */
export interface PoolOptions {
  readonly settings: Settings;
  readonly pool: Config['pool'];
  readonly handlers: Config['handlers'];
  /** Node's flags for the workers; those of this process when left out. */
  readonly execArgv?: string[];
}

/** A pool of workers with one version of the handlers. */
export class HandlerPool {
  private readonly pool: Piscina<WorkerTask, WorkerResult>;
  /** Known once the version has passed its self-test. */
  features: HandlerFeatures = { server: [], account: [] };
  handlers: string[] = [];
  /** What each worker is busy with while it loads and tests. */
  private readonly doing = new Map<number, string>();

  constructor(private readonly options: PoolOptions) {
    const setup: WorkerSetup = {
      settings: options.settings,
      handlersPath: options.handlers.path || join(dirname(dirname(here)), 'handlers'),
      overridesPath: options.handlers.overrides,
    };
    this.pool = new Piscina<WorkerTask, WorkerResult>({
      filename: join(dirname(here), `worker${extname(here)}`),
      workerData: setup,
      minThreads: options.pool.threads,
      maxThreads: options.pool.threads,
      // The dispatcher never has more tasks under way than this; what waits, waits in its lanes.
      maxQueue: Math.max(options.pool.threads * 4, availableParallelism()),
      concurrentTasksPerWorker: 1,
      ...(options.execArgv === undefined ? {} : { execArgv: options.execArgv }),
    });
    this.pool.on('message', ({ worker, doing }: WorkerProgress) => {
      if (doing === '') this.doing.delete(worker);
      else this.doing.set(worker, doing);
    });
  }

  /** How many tasks it makes sense to have under way. */
  get lanes(): number {
    return this.options.pool.threads * 2;
  }

  /** Loads and tries the handlers; what is wrong with them, or nothing. */
  async selfTest(): Promise<string[]> {
    const { loadSeconds } = this.options.handlers;
    let result: WorkerResult;
    try {
      result = await this.run({ kind: 'self-test' }, loadSeconds);
    } catch (error) {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
      const steps = new Set(this.doing.values());
      const what = steps.size === 0 ? 'starting the workers' : [...steps].join(', ');
      return [`${what}: did not end within ${loadSeconds} s`];
    }
    const { problems, handlers, features } = result as SelfTestResult;
    this.handlers = handlers;
    this.features = features;
    return problems;
  }

  /** Answers a batch; rejects when the worker died or took too long. */
  async answer(items: readonly WorkItem[]): Promise<BatchResult> {
    const task = { kind: 'batch', items } as const;
    return (await this.run(task, this.options.pool.taskSeconds)) as BatchResult;
  }

  /** Ends the workers; the dispatcher has drained its tasks before. */
  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private async run(task: WorkerTask, seconds: number): Promise<WorkerResult> {
    // An aborted task ends its worker: a handler that hangs cannot be stopped in another way.
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), seconds * 1000);
    try {
      return await this.pool.run(task, { signal: controller.signal });
    } finally {
      clearTimeout(timer);
    }
  }
}
