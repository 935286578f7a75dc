// Keeps a listener from eating the process's descriptors. uWebSockets accepts for as long as there
// are any, and spins when there are none; the store, the webhooks and the command line's socket
// need some too. So the listener closes while most are taken, and opens again.

import { readdirSync, readFileSync, statSync } from 'node:fs';

const FOLDER = '/proc/self/fd';
const INTERVAL_MS = 500;
const CLOSE_ABOVE = 0.8;
const OPEN_BELOW = 0.7;
const DEFAULT_LIMIT = 1024;

/** The soft limit of open descriptors. */
function descriptorLimit(): number {
  const found = /^Max open files\s+(\d+)/mu.exec(readFileSync('/proc/self/limits', 'utf8'));
  return found === null ? DEFAULT_LIMIT : Number(found[1]);
}

/** How many descriptors are open. */
function openDescriptors(): number {
  try {
    // Since Linux 6.2 the folder's size is their number; before, it is 0.
    return statSync(FOLDER).size || readdirSync(FOLDER).length;
  } catch {
    return Number.POSITIVE_INFINITY; // None is left to look with.
  }
}

/** Says when descriptors become scarce, and when they no longer are. */
export class DescriptorGuard {
  private timer: NodeJS.Timeout | undefined;
  private crowded = false;

  constructor(
    private readonly onChange: (crowded: boolean) => void,
    private readonly limit = descriptorLimit(),
  ) {}

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
    const taken = openDescriptors() / this.limit;
    if (!this.crowded && taken > CLOSE_ABOVE) this.change(true);
    else if (this.crowded && taken < OPEN_BELOW) this.change(false);
  }

  private change(crowded: boolean): void {
    this.crowded = crowded;
    this.onChange(crowded);
  }
}
