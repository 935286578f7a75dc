// Phone numbers as people write them, and as accounts are named by them.

import type { CountryCode } from 'libphonenumber-js/max';
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** Which numbers may register. */
export interface NumberRules {
  /** Two letters; empty when numbers have to begin with `+`. */
  readonly defaultCountry: string;
  /** Empty: all. */
  readonly countries: readonly string[];
}

/** A number that may register, or why it may not. */
export type ParsedNumber =
  | { readonly number: string; readonly problem?: undefined }
  | { readonly number?: undefined; readonly problem: string };

// Nobody has one of these in a pocket, and a message to them may cost its sender dearly.
const REFUSED_TYPES = new Set([
  'PAGER',
  'PREMIUM_RATE',
  'SHARED_COST',
  'TOLL_FREE',
  'UAN',
  'VOICEMAIL',
]);

/** Checks a number; the result is in E.164 form, `+491701234567`. */
export function parseNumber(written: string, country: string, rules: NumberRules): ParsedNumber {
  const upper = (country === '' ? rules.defaultCountry : country).toUpperCase();
  if (upper !== '' && !isSupportedCountry(upper)) return { problem: 'This country is not known.' };
  const options =
    upper === '' ? { extract: false } : { extract: false, defaultCountry: upper as CountryCode };
  const parsed = parsePhoneNumberFromString(written.trim(), options);
  if (parsed === undefined || parsed.ext !== undefined || !parsed.isValid()) {
    return {
      problem:
        upper === ''
          ? 'Write the number with its country, such as +49 170 1234567.'
          : 'This is not a number that can exist; write it with its country, such as ' +
            '+49 170 1234567.',
    };
  }
  if (REFUSED_TYPES.has(parsed.getType() ?? '')) {
    return { problem: 'This kind of number cannot register.' };
  }
  if (rules.countries.length > 0 && !rules.countries.includes(parsed.country ?? '')) {
    return { problem: 'Numbers of this country cannot register here.' };
  }
  return { number: parsed.number };
}

/** The local part of the account of a number. */
export function localPartOf(number: string): string {
  return number.replace(/^\+/u, '');
}

/** A number as it may stand in a log: enough to recognise one's own. */
export function maskedNumber(number: string): string {
  return `${number.slice(0, 3)}…${number.slice(-2)}`;
}
