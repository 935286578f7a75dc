// What went wrong with a request, for the program that sent it and for the person who reads its log
// (RFC 9457).

import { z } from 'zod';

/** The types of problem, with their titles. */
const TITLES = {
  'bad-request': 'The request cannot be understood',
  'invalid-number': 'This is not a phone number that can register',
  'wrong-pin': 'The PIN is not right',
  'wrong-code': 'The linking code is not valid',
  'unknown-registration': 'There is no such registration',
  'account-disabled': 'This account is disabled',
  'too-many-devices': 'The account has as many devices as it may have',
  'registration-off': 'Registration by number is switched off',
  unauthorized: 'A valid token is needed',
  'not-found': 'There is nothing here',
  forbidden: 'Who asks may not do this',
  refused: 'The server refuses this',
  'method-not-allowed': 'This method is not possible here',
  'too-large': 'The request is too large',
  'too-slow': 'The request took too long',
  'wrong-media-type': 'The body must be application/json',
  'too-many-requests': 'Too many requests',
  'too-busy': 'The server is too busy',
  'internal-error': 'The server failed',
} as const;

/** The last part of a problem's type. */
export type ProblemType = keyof typeof TITLES;

/** One thing that is wrong in a request, and where. */
export interface ProblemDetail {
  /** JSON pointer as a fragment, such as `#/number`. */
  readonly pointer: string;
  readonly detail: string;
}

interface ProblemOptions {
  /** What is wrong, in a sentence. */
  readonly detail?: string;
  /** The rule that refuses: a name that stays. */
  readonly rule?: string;
  /** What can be done about it. */
  readonly advice?: string;
  readonly errors?: readonly ProblemDetail[];
  readonly retryAfterSeconds?: number;
  readonly attemptsLeft?: number;
  readonly allow?: readonly string[];
  /** The connection cannot be used any more. */
  readonly close?: boolean;
}

/** Thrown by a route to be answered as it says. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    readonly type: ProblemType,
    readonly options: ProblemOptions = {},
  ) {
    super(options.detail ?? TITLES[type]);
  }

  headers(): Record<string, string> {
    const { retryAfterSeconds, allow } = this.options;
    return {
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...(allow === undefined ? {} : { allow: allow.join(', ') }),
      ...(this.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    };
  }

  body(): z.infer<typeof problemSchema> {
    const { detail, rule, advice, errors, retryAfterSeconds, attemptsLeft } = this.options;
    return {
      type: `urn:rookery:problem:${this.type}`,
      title: TITLES[this.type],
      status: this.status,
      ...(detail === undefined ? {} : { detail }),
      ...(rule === undefined ? {} : { rule }),
      ...(advice === undefined ? {} : { advice }),
      ...(errors === undefined ? {} : { errors: [...errors] }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      ...(attemptsLeft === undefined ? {} : { attemptsLeft }),
    };
  }
}

/** The body of every error. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'What kind of problem; `urn:rookery:problem:…`.' }),
    title: z.string().meta({ description: 'The kind in words.' }),
    status: z.int().meta({ description: 'The status of the answer.' }),
    detail: z.string().optional().meta({ description: 'What is wrong with this request.' }),
    rule: z.string().optional().meta({ description: 'The rule that refuses, by its name.' }),
    advice: z.string().optional().meta({ description: 'What can be done about it.' }),
    errors: z
      .array(
        z.object({
          pointer: z.string().meta({ description: 'Where, as a JSON pointer: `#/number`.' }),
          detail: z.string().meta({ description: 'What to write there.' }),
        }),
      )
      .optional(),
    retryAfterSeconds: z.int().optional().meta({ description: 'As the header `Retry-After`.' }),
    attemptsLeft: z.int().optional().meta({ description: 'How many PINs may still be tried.' }),
  })
  .meta({ id: 'Problem', description: 'An error (RFC 9457).' });
