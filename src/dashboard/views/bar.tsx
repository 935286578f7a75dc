// A bar that is full to some share, for the eye; the number stands beside it.

import type { Level } from '../../operations/view/level.js';

export function Bar({ share, level = 'well' }: { share: number; level?: Level }) {
  const width = `${(100 * Math.max(0, Math.min(1, share))).toFixed(1)}%`;
  return (
    <span class={`bar ${level}`} aria-hidden="true">
      <span style={{ width }} />
    </span>
  );
}
