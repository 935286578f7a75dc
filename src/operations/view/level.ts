// How a figure is, said the same way wherever it is shown.

/** `bad` must jump to the eye. */
export type Level = 'well' | 'busy' | 'bad';

/** The worst has the greatest weight. */
export const LEVEL_WEIGHT: Readonly<Record<Level, number>> = { bad: 2, busy: 1, well: 0 };
