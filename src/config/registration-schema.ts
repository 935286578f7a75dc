// The keys under `registration`: accounts that strangers make, from an XMPP client or with a phone
// number.

import { z } from 'zod';
import { choice, flag, integer, path, text, textList } from './fields.js';

const DAY_SECONDS = 86_400;

function webUrl(value: string): string | undefined {
  if (value === '') return value;
  try {
    const url = new URL(value);
    return ['http:', 'https:'].includes(url.protocol) && url.username === '' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An upper-case ISO 3166 code. */
export function countryCode(value: string): string | undefined {
  const upper = value.toUpperCase();
  return value === '' || /^[A-Z]{2}$/u.test(upper) ? upper : undefined;
}

const webhook = z.strictObject({
  url: text(
    'Where each PIN is sent: a POST of JSON with `number`, `pin`, `text` and `expiresInSeconds`.',
    'an address such as `https://sms.example.org/send`',
    '',
    webUrl,
    'none',
  ),
  secret: text(
    'Shared with the receiver. The header `X-Rookery-Signature` is `t=`, the seconds since 1970, ' +
      '`,v1=` and the HMAC-SHA-256, in hexadecimal, of these seconds, a dot and the body.',
    'a text of at least 16 characters',
    '',
    (value) => (value === '' || value.length >= 16 ? value : undefined),
    'none',
  ),
  timeoutSeconds: integer('How long one attempt may take.', { min: 1, max: 60, fallback: 10 }),
  attempts: integer('How often it is tried before the PIN is given up.', {
    min: 1,
    max: 10,
    fallback: 4,
  }),
});

const limits = z.strictObject({
  pinSeconds: integer('How long a PIN is valid.', { min: 30, max: 3600, fallback: 600 }),
  pinAttempts: integer('PINs that may be tried in one registration.', {
    min: 1,
    max: 20,
    fallback: 5,
  }),
  resendSeconds: integer(
    'The wait before a number can have a second PIN. It doubles with each, up to a day, until ' +
      'a registration succeeds or a day has gone by without one.',
    { min: 1, max: 3600, fallback: 60 },
  ),
  lockoutSeconds: integer(
    'The wait when every attempt of a registration was wrong. It doubles with each such ' +
      'registration, up to a day.',
    { min: 1, max: DAY_SECONDS, fallback: 600 },
  ),
  perNumberPerHour: integer('PINs for one number in an hour.', {
    min: 1,
    max: 1000,
    fallback: 5,
  }),
  perNumberPerDay: integer('PINs for one number in a day.', { min: 1, max: 10_000, fallback: 10 }),
  perAddressPerHour: integer(
    'PINs asked for from one address in an hour (of IPv6: from one /64).',
    { min: 1, max: 1_000_000, fallback: 60 },
  ),
  verificationsPerAddressPerHour: integer('PINs and linking codes tried from one address.', {
    min: 1,
    max: 1_000_000,
    fallback: 300,
  }),
  maxDevices: integer('Devices of one account.', { min: 1, max: 250, fallback: 10 }),
  linkSeconds: integer('How long a code that links another device is valid.', {
    min: 30,
    max: 3600,
    fallback: 300,
  }),
  linksPerHour: integer('Linking codes that one account can have in an hour.', {
    min: 1,
    max: 1000,
    fallback: 20,
  }),
});

/** The section. */
export const registrationSchema = z.strictObject({
  enabled: flag('Let strangers make accounts from their client (XEP-0077).', false),
  perAddressPerHour: integer('Accounts made in an hour from one address (XEP-0077).', {
    min: 1,
    max: 1_000_000,
    fallback: 10,
  }),
  sender: choice(
    'How PINs reach the phones that register over HTTP: `webhook` and `command` hand them to ' +
      'your SMS gateway, `development` shows them on the console and in the answer.',
    ['off', 'webhook', 'command', 'development'],
    'off',
  ),
  allowDevelopmentSender: flag(
    'Allow the sender `development` although `http.listen` is not on this machine alone. ' +
      'Whoever reaches it can then register any number.',
    false,
  ),
  webhook: webhook.prefault({}),
  command: textList(
    'The program that sends a PIN, and its arguments. It runs without a shell, and gets ' +
      '`ROOKERY_NUMBER`, `ROOKERY_PIN` and `ROOKERY_TEXT` in its environment and the webhook’s ' +
      'JSON on its standard input.',
    'a list of texts such as `["/usr/local/bin/send-sms", "--quiet"]`',
  ),
  commandFolder: path('Folder in which the program runs.', '', '`data`'),
  text: text(
    'What the message says; `{pin}` and `{domain}` are filled in.',
    'a text with `{pin}` in it, of at most 300 characters',
    'Your code for {domain} is {pin}. Do not tell it to anyone.',
    (value) => (value.includes('{pin}') && value.length <= 300 ? value : undefined),
  ),
  maxQueue: integer('PINs that wait to be sent. Beyond, registrations are answered `503`.', {
    min: 1,
    max: 1_000_000,
    fallback: 1000,
  }),
  defaultCountry: text(
    'The country of numbers that are written without one.',
    'a country’s two letters, such as `DE`',
    '',
    countryCode,
    'none: numbers begin with `+`',
  ),
  countries: textList(
    'The countries whose numbers may register; an empty list allows all.',
    'a list of countries’ two letters, such as `["DE", "AT"]`',
    (value) => (value === '' ? undefined : countryCode(value)),
  ),
  limits: limits.prefault({}),
});
