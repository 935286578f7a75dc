// The charts, and what is chosen for all of them: the span, whether they stand still, and whether
// they are a table.

import { CHARTS } from '../charts/catalogue.js';
import { Chart } from '../charts/chart.js';
import { FiguresTable } from '../charts/figures-table.js';
import { timeOfDay } from '../charts/options.js';
import {
  heldAt,
  isTable,
  pointedAt,
  SPANS,
  shown,
  spanMinutes,
  toggleHeld,
} from '../model/span.js';
import { PauseIcon, PlayIcon } from './icons.js';

function When() {
  const at = pointedAt.value ?? heldAt.value;
  const { until } = shown.value;
  if (until === 0) return null;
  return (
    <p class="when faint">
      {at === undefined ? 'newest' : 'at'} {timeOfDay(at ?? until)} UTC
    </p>
  );
}

export function ChartSection() {
  const isHeld = heldAt.value !== undefined;
  return (
    <section class="charts" aria-labelledby="charts-title">
      <header>
        <h2 id="charts-title">The last minutes</h2>
        <When />
        <div class="tools">
          <fieldset class="segments">
            <legend class="spoken">Minutes shown</legend>
            {SPANS.map((minutes) => (
              <label key={minutes}>
                <input
                  type="radio"
                  name="span"
                  checked={spanMinutes.value === minutes}
                  onChange={() => {
                    spanMinutes.value = minutes;
                  }}
                />
                <span>{minutes} min</span>
              </label>
            ))}
          </fieldset>
          <button type="button" class="quiet small" aria-pressed={isHeld} onClick={toggleHeld}>
            {isHeld ? <PlayIcon /> : <PauseIcon />} {isHeld ? 'Go on' : 'Pause'}
          </button>
          <button
            type="button"
            class="quiet small"
            aria-pressed={isTable.value}
            onClick={() => {
              isTable.value = !isTable.value;
            }}
          >
            {isTable.value ? 'As charts' : 'As a table'}
          </button>
        </div>
      </header>
      {isTable.value ? (
        <FiguresTable />
      ) : (
        <div class="grid">
          {CHARTS.map((spec) => (
            <Chart key={spec.id} spec={spec} />
          ))}
        </div>
      )}
    </section>
  );
}
