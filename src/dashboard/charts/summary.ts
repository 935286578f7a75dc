// What a chart shows, in words and in numbers, for whoever does not see it.

import { shown, spanMinutes } from '../model/span.js';
import type { ChartSpec, Line } from './catalogue.js';

export interface Extent {
  readonly label: string;
  readonly last: string;
  readonly least: string;
  readonly mean: string;
  readonly most: string;
}

const NOTHING = '–';

/** The newest, least, middle and greatest value of a line in what is shown. */
export function extentOf({ write }: ChartSpec, line: Line): Extent {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let many = 0;
  let last: number | undefined;
  for (const { point } of shown.value.moments) {
    last = point === undefined ? undefined : line.read(point);
    if (last === undefined) continue;
    least = Math.min(least, last);
    most = Math.max(most, last);
    sum += last;
    many++;
  }
  const say = (value: number): string => (many === 0 ? NOTHING : write(value));
  return {
    label: line.label,
    last: last === undefined ? NOTHING : write(last),
    least: say(least),
    mean: say(sum / many),
    most: say(most),
  };
}

/** `Messages, last 5 minutes: in now 28.5k/s, between 10.0k/s and 30.1k/s; …` */
export function summaryOf(spec: ChartSpec, lines: readonly Line[]): string {
  const parts = lines.map((line) => {
    const { label, last, least, most } = extentOf(spec, line);
    if (most === NOTHING) return `${label}: nothing`;
    return `${label} now ${last}, between ${least} and ${most}`;
  });
  const minutes = spanMinutes.value === 1 ? 'minute' : `${spanMinutes.value} minutes`;
  return `${spec.title}, last ${minutes}: ${parts.join('; ')}`;
}
