// Start in order, stop in exactly the reverse order.

import type { Logger } from '../base/log.js';

/** One service of the process. */
export interface Step {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Runs steps; the list is the documentation of what the server is made of. */
export class Steps {
  private started: Step[] = [];

  constructor(
    private readonly steps: readonly Step[],
    private readonly log: Logger,
  ) {}

  /** Starts all, or, when one fails, stops those that had started and throws its error. */
  async start(): Promise<void> {
    for (const step of this.steps) {
      const begin = performance.now();
      try {
        await step.start();
      } catch (error) {
        await this.stop();
        throw error;
      }
      this.started.push(step);
      const milliseconds = Math.round(performance.now() - begin);
      this.log.debug({ component: 'boot', milliseconds }, `started: ${step.name}`);
    }
  }

  /** Stops what has started. One that fails is logged and keeps none of the others. */
  async stop(): Promise<void> {
    const { started } = this;
    this.started = [];
    for (const step of started.reverse()) {
      try {
        await step.stop();
        this.log.debug({ component: 'boot' }, `stopped: ${step.name}`);
      } catch (error) {
        this.log.error({ component: 'boot', err: String(error) }, `failed to stop: ${step.name}`);
      }
    }
  }
}
