// Tries to connect until it works: soon at first, then ever more rarely, and never in step with
// others (docs/PROTOCOL.md section 7).

const FIRST_MS = 2_000;
const LONGEST_MS = 300_000;

/** Calls `attempt` until it resolves, and again whenever it is told that the connection is gone. */
export class Reconnector {
  running = false;
  private failures = 0;
  private busy = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `attempt` rejects when another one is to follow. */
  constructor(private readonly attempt: () => Promise<void>) {}

  start(): void {
    this.running = true;
    void this.run();
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
  }

  /** The connection is gone: the next attempt follows within two seconds. */
  again(): void {
    if (!this.running || this.busy) return;
    this.failures = 0;
    this.later();
  }

  /** Does not wait any longer. */
  now(): void {
    if (this.running && !this.busy) void this.run();
  }

  private later(): void {
    clearTimeout(this.timer);
    const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.failures);
    this.timer = setTimeout(() => void this.run(), Math.random() * most);
  }

  private async run(): Promise<void> {
    clearTimeout(this.timer);
    this.busy = true;
    try {
      await this.attempt();
      this.failures = 0;
      this.busy = false;
    } catch {
      this.busy = false;
      this.failures++;
      if (this.running) this.later();
    }
  }
}
