// Keeps a listener from eating the process's descriptors. uWebSockets accepts for as long as there
// are any, and spins when there are none; the store, the webhooks and the command line's socket
// need some too. So the listener closes while most are taken, and opens again.

import { closeSync, openSync, readFileSync } from 'node:fs';

const INTERVAL_MS = 500;
const CLOSE_ABOVE = 0.8;
const OPEN_BELOW = 0.7;
const DEFAULT_LIMIT = 1024;

/** The soft limit of open descriptors. */
function descriptorLimit(): number {
  const found = /^Max open files\s+(\d+)/mu.exec(readFileSync('/proc/self/limits', 'utf8'));
  return found === null ? DEFAULT_LIMIT : Number(found[1]);
}

/** The lowest free descriptor: cheap to learn, and about how many are taken. */
function lowestFree(): number {
  try {
    const descriptor = openSync('/dev/null', 'r');
    closeSync(descriptor);
    return descriptor;
  } catch {
    return Number.POSITIVE_INFINITY; // None is left, or none of the system's.
  }
}

/** Says when descriptors become scarce, and when they no longer are. */
export class DescriptorGuard {
  private timer: NodeJS.Timeout | undefined;
  private crowded = false;
  private readonly limit = descriptorLimit();

  constructor(private readonly onChange: (crowded: boolean) => void) {}

  start(): void {
    this.timer = setInterval(() => this.look(), INTERVAL_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** What was done about the last change did not work: say it again. */
  tryAgain(): void {
    this.crowded = true;
  }

  private look(): void {
    const taken = lowestFree() / this.limit;
    if (!this.crowded && taken > CLOSE_ABOVE) this.change(true);
    else if (this.crowded && taken < OPEN_BELOW) this.change(false);
  }

  private change(crowded: boolean): void {
    this.crowded = crowded;
    this.onChange(crowded);
  }
}
