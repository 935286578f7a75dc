// What went wrong, in words for people.

import { RegistrationError, RequestFailed } from '../sdk/browser.js';

const MINUTE_S = 60;
const HOUR_S = 3600;

const REFUSALS: Readonly<Record<string, string>> = {
  'resource-constraint': 'The server is too busy, or this was asked too often.',
  'policy-violation': 'The server does not allow this.',
  'service-unavailable': 'The server does not offer this.',
};

/** `in 40 seconds`, `in 5 minutes`, `in 3 hours`: rounded up. */
export function waitOf(seconds: number): string {
  const [count, unit] =
    seconds < 2 * MINUTE_S
      ? [Math.ceil(seconds), 'second']
      : seconds < 2 * HOUR_S
        ? [Math.ceil(seconds / MINUTE_S), 'minute']
        : [Math.ceil(seconds / HOUR_S), 'hour'];
  return `in ${count} ${unit}${count === 1 ? '' : 's'}`;
}

function wordsOf(error: unknown): string {
  if (error instanceof RequestFailed) {
    if (error.text !== '') return error.text;
    return REFUSALS[error.condition] ?? `The server refused: ${error.condition}.`;
  }
  // What fetch says when there is no network differs between browsers and helps nobody.
  if (error instanceof TypeError) return 'The server does not answer. Is there a network?';
  return (error as Error).message;
}

/** What to show when something failed. */
export function problem(error: unknown): string {
  const known = error instanceof RequestFailed || error instanceof RegistrationError;
  const wait = known ? error.retryAfterSeconds : undefined;
  return wait === undefined ? wordsOf(error) : `${wordsOf(error)} Try again ${waitOf(wait)}.`;
}
