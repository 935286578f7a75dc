// The HTTP interface of a server (docs/REGISTRATION.md): calls, and refusals as errors.

/** A refusal of the HTTP interface. */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError';
  constructor(
    /** HTTP status. */
    readonly status: number,
    /** What the server says, for people. */
    message: string,
    /** When to try again, if the server said so. */
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(message);
  }
}

/** What a call sends. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly body?: unknown;
  /** A device's. */
  readonly token?: string;
}

/** Calls and gives the answer's JSON; an empty object when there is none. */
export async function call<Answer>(url: string, { method, body, token }: Call): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  let answer: Record<string, unknown> = {};
  try {
    answer = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Nothing, or something between us and the server answered; its text is shown as it is.
  }
  if (response.ok) return answer as Answer;
  const after = Number(response.headers.get('retry-after'));
  throw new RegistrationError(
    response.status,
    String(answer.detail ?? answer.title ?? text),
    after > 0 ? after : undefined,
  );
}
