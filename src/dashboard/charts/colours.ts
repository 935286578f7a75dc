// The colours of the style sheet as a canvas needs them: it knows neither variables nor
// light-dark(), so the browser is asked what they come to, and again when light turns to dark.

import { signal } from '@preact/signals';

const TONES = 8;

export interface Colours {
  readonly tones: readonly string[];
  readonly text: string;
  readonly faint: string;
  readonly grid: string;
  readonly bad: string;
  readonly busy: string;
  readonly well: string;
  readonly empty: string;
}

function read(): Colours {
  const probe = document.createElement('i');
  probe.hidden = true;
  document.body.append(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    tones: Array.from({ length: TONES }, (_, index) => colour(`tone-${index}`)),
    text: colour('text'),
    faint: colour('faint'),
    grid: colour('grid'),
    bad: colour('bad'),
    busy: colour('busy'),
    well: colour('well'),
    empty: colour('track'),
  };
  probe.remove();
  return colours;
}

/** As the system likes it now. */
export const colours = signal<Colours | undefined>(undefined);

/** Begins to follow the system's choice of light and dark. */
export function followColours(): void {
  const refresh = (): void => {
    colours.value = read();
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', refresh);
  refresh();
}

/** One of the palette; there are more shards than colours. */
export function tone({ tones }: Colours, index: number): string {
  return tones[index % tones.length] ?? 'currentcolor';
}

/** The same, seen through. */
export function faded(colour: string, share: number): string {
  return colour.replace(/^rgb\(/u, 'rgba(').replace(/\)$/u, `, ${share})`);
}
