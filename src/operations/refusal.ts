// An operation that is refused: by which rule, why, and what can be done about it.

import { UserError } from '../base/errors.js';

interface RefusalOptions {
  /** What the reader can do next. */
  readonly advice?: string;
  /** Status on HTTP; 409 when left out. */
  readonly status?: 400 | 403 | 404 | 409 | 503;
}

/** Thrown by operations. The rule's name is stable: programs may rely on it. */
export class Refusal extends UserError {
  readonly status: number;

  constructor(
    readonly rule: string,
    message: string,
    options: RefusalOptions = {},
  ) {
    super(message, options.advice ?? '');
    this.status = options.status ?? 409;
  }
}
