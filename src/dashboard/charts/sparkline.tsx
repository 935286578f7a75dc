// A line without axes: how one figure went in the last minute.

import type { ViewPoint } from '../../operations/view/view-point.js';
import { history, historyCount } from '../model/live.js';

const SPAN_MS = 60_000;
const WIDTH = 100;
const HEIGHT = 24;
const MARGIN = 2;

function pathOf(read: (point: ViewPoint) => number): string {
  void historyCount.value;
  const { newest } = history;
  const moments = history.last(SPAN_MS, newest);
  const values = moments.map(({ point }) => (point === undefined ? undefined : read(point)));
  const most = Math.max(1e-9, ...values.map((value) => value ?? 0));
  let isDrawing = false;
  const steps = moments.map(({ at }, index) => {
    const value = values[index];
    if (value === undefined) {
      isDrawing = false;
      return '';
    }
    const x = WIDTH * (1 - (newest - at) / SPAN_MS);
    const y = HEIGHT - MARGIN - (value / most) * (HEIGHT - 2 * MARGIN);
    const step = `${isDrawing ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    isDrawing = true;
    return step;
  });
  return steps.join('');
}

export function Sparkline({ read }: { read: (point: ViewPoint) => number }) {
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path d={pathOf(read)} />
    </svg>
  );
}
