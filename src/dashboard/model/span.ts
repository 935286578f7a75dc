// Which part of the last minutes the charts show, whether they stand still, and where the pointer
// is: the same in all of them.

import { computed, signal } from '@preact/signals';
import { history, historyCount } from './live.js';

export const SPANS = [1, 5, 10] as const;
const MINUTE_MS = 60_000;

export const spanMinutes = signal<(typeof SPANS)[number]>(5);
/** The moment at which the charts were stopped. */
export const heldAt = signal<number | undefined>(undefined);
/** The moment under the pointer, in any of the charts. */
export const pointedAt = signal<number | undefined>(undefined);
export const isTable = signal(false);

/** What the charts show now. */
export const shown = computed(() => {
  // Read for its changes: the history itself is no signal.
  void historyCount.value;
  const until = heldAt.value ?? history.newest;
  const spanMs = spanMinutes.value * MINUTE_MS;
  return { until, from: until - spanMs, moments: history.last(spanMs, until) };
});

export function toggleHeld(): void {
  heldAt.value = heldAt.value === undefined ? history.newest : undefined;
}
