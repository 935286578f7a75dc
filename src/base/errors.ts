// Errors meant for people: what went wrong, and what to do about it. Everything else is a bug.

/** An operating error with a message for the administrator; never a stack trace. */
export class UserError extends Error {
  override readonly name = 'UserError';

  constructor(
    message: string,
    /** What the reader can do next; printed on its own line. */
    readonly advice = '',
    /** Exit code of the command line. */
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a system error (`ENOENT`), or an empty string. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return error.code;
  return '';
}
