// How a chart is drawn: what the library is told, from what the catalogue says.

import type uPlot from 'uplot';
import type { ChartSpec, Line } from './catalogue.js';
import { type Colours, faded, tone } from './colours.js';

/** All charts with this key share one pointer. */
const SYNC = 'rookery';
const FONT = '11px system-ui, sans-serif';
const AXIS_WIDTH = 62;
const AXIS_HEIGHT = 26;
const LINE_WIDTH = 1.75;
const STRONG_WIDTH = 3;
const DASH = [5, 4];
const FADED = 0.3;
const HEADROOM = 1.12;
const EDGE = 0.05;

/** What changes while the chart stands. */
export interface ChartState {
  from: number;
  until: number;
  colours: Colours;
  /** Lines that are in trouble: they stand out, and the others step back. */
  strong: ReadonlySet<number>;
}

function isPowerOfTen(value: number): boolean {
  return Math.abs(Math.log10(value) % 1) < 1e-9;
}

/** Of all the lines between powers of ten only those at the powers are drawn. */
function powersOnly(_: uPlot, splits: number[]): (number | null)[] {
  return splits.map((value) => (isPowerOfTen(value) ? value : null));
}

/** Steps of a scale: 1, 2 and 5 of each power of ten. */
function steps(lowest: number, highest: number): number[] {
  const powers = Array.from({ length: highest - lowest + 1 }, (_, index) => 10 ** (lowest + index));
  return powers.flatMap((power) => [power, 2 * power, 5 * power]);
}

const DECIMAL_STEPS = steps(-3, 12);
const WHOLE_STEPS = steps(0, 12);
const BINARY_STEPS = Array.from({ length: 50 }, (_, index) => 2 ** index);

function linearRange(top: number | undefined): uPlot.Range.Function {
  return (_, __, max) => [0, Math.max(top ?? 0, (max ?? 0) * HEADROOM) || 1];
}

function powersRange(): uPlot.Range.Function {
  return (_, min, max) => {
    if (min === null || max === null) return [100, 100_000];
    const low = 10 ** Math.floor(Math.log10(min));
    return [low, Math.max(low * 10, 10 ** Math.ceil(Math.log10(max)))];
  };
}

/** Hours, minutes and seconds, UTC as the log and `rookery where` have them. */
export function timeOfDay(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(11, 19);
}

function timeAxis(state: ChartState): uPlot.Axis {
  return {
    stroke: () => state.colours.faint,
    grid: { show: false },
    ticks: { show: false },
    font: FONT,
    size: AXIS_HEIGHT,
    space: 58,
    incrs: [15, 30, 60, 120, 300],
    values: (_, splits) => {
      const { from, until } = state;
      const isShort = until - from > 90_000;
      // What stood at the edge would be cut off.
      const margin = (until - from) * EDGE;
      return splits.map((at) => {
        const ms = at * 1000;
        const isInside = ms > from + margin && ms < until - margin;
        return isInside ? timeOfDay(ms).slice(0, isShort ? 5 : 8) : '';
      });
    },
  };
}

function valueAxis({ write, logarithmic, unit }: ChartSpec, state: ChartState): uPlot.Axis {
  return {
    stroke: () => state.colours.faint,
    grid: {
      stroke: () => state.colours.grid,
      width: 1,
      ...(logarithmic === true ? { filter: powersOnly } : {}),
    },
    ticks: { show: false },
    font: FONT,
    size: AXIS_WIDTH,
    gap: 4,
    space: 34,
    values: (_, splits) => splits.map((value) => (value === null ? '' : write(value))),
    ...(logarithmic === true
      ? { filter: powersOnly }
      : {
          incrs: unit === 'bytes' ? BINARY_STEPS : unit === 'count' ? WHOLE_STEPS : DECIMAL_STEPS,
        }),
  };
}

/** Under a line that stands alone, or the first of two: a veil that thins out downwards. */
function veil(chart: uPlot, colour: string): CanvasGradient {
  const { top, height } = chart.bbox;
  const gradient = chart.ctx.createLinearGradient(0, top, 0, top + Math.max(1, height));
  gradient.addColorStop(0, faded(colour, 0.28));
  gradient.addColorStop(1, faded(colour, 0.02));
  return gradient;
}

/** The colour of a line, as things are. */
export function strokeOf(line: Line, index: number, { colours, strong }: ChartState): string {
  const own = tone(colours, line.tone);
  if (strong.size === 0) return own;
  return strong.has(index) ? colours.bad : faded(own, FADED);
}

function seriesOf(spec: ChartSpec, line: Line, index: number, state: ChartState): uPlot.Series {
  const veiled = index === 0 && Array.isArray(spec.lines) && spec.logarithmic !== true;
  return {
    label: line.label,
    stroke: () => strokeOf(line, index, state),
    width: LINE_WIDTH,
    points: { show: false },
    ...(line.dashed === true ? { dash: DASH } : {}),
    ...(veiled ? { fill: (chart: uPlot) => veil(chart, tone(state.colours, line.tone)) } : {}),
  };
}

/** Lines in trouble are drawn thick. */
export function strengthen(chart: uPlot, { strong }: ChartState): void {
  for (const [index, series] of chart.series.entries()) {
    if (index > 0) series.width = strong.has(index - 1) ? STRONG_WIDTH : LINE_WIDTH;
  }
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly pointed: (at: number | undefined) => void;
}

export function optionsOf(
  spec: ChartSpec,
  lines: readonly Line[],
  state: ChartState,
  { width, height, pointed }: Frame,
): uPlot.Options {
  return {
    width,
    height,
    padding: [8, 10, 0, 0],
    legend: { show: false },
    scales: {
      x: { time: true, range: () => [state.from / 1000, state.until / 1000] },
      y: spec.logarithmic
        ? { distr: 3, log: 10, range: powersRange() }
        : { range: linearRange(spec.top) },
    },
    axes: [timeAxis(state), valueAxis(spec, state)],
    series: [{}, ...lines.map((line, index) => seriesOf(spec, line, index, state))],
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      sync: { key: SYNC },
      points: { size: 7, width: 2, fill: () => state.colours.text },
    },
    hooks: {
      setCursor: [
        (chart) => {
          const { idx, left } = chart.cursor;
          const inside = idx !== null && idx !== undefined && (left ?? -1) >= 0;
          const at = inside ? chart.data[0]?.[idx] : undefined;
          pointed(at === undefined ? undefined : at * 1000);
        },
      ],
    },
  };
}
