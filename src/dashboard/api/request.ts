// Asks the admin HTTP interface, from the address that the page itself came from. What it refuses
// comes back as an error with the rule that refused and what can be done.

/** A request that was refused, or that did not arrive. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    /** 0: the server was not reached. */
    readonly status: number,
    /** Which rule refused; `unreachable` when there was nobody to refuse. */
    readonly rule: string,
    message: string,
    readonly advice: string,
  ) {
    super(message);
  }
}

interface ProblemBody {
  readonly title?: string;
  readonly detail?: string;
  readonly rule?: string;
  readonly advice?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** What may be asked with, and sent along. */
export interface Question {
  readonly token: string;
  readonly method?: 'GET' | 'POST';
  /** Query of a GET, body of a POST. */
  readonly input?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly signal?: AbortSignal;
}

/** Where something of this server is. */
export function addressOf(path: string): URL {
  return new URL(path, document.baseURI);
}

async function refusal(response: Response): Promise<ApiError> {
  let body: ProblemBody = {};
  try {
    body = (await response.json()) as ProblemBody;
  } catch {
    // A proxy's page, perhaps: its status has to do.
  }
  const where = (body.errors ?? []).map(({ pointer, detail }) => `${pointer}: ${detail}`);
  const words = [body.detail ?? body.title ?? `The server answered ${response.status}.`, ...where];
  return new ApiError(
    response.status,
    body.rule ?? String(response.status),
    words.join(' '),
    body.advice ?? '',
  );
}

/** The answer to a question. */
export async function ask<Answer>(path: string, question: Question): Promise<Answer> {
  const { token, method = 'GET', input = {}, signal } = question;
  const url = addressOf(path);
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  const posted = method === 'POST';
  if (!posted) for (const [name, value] of given) url.searchParams.set(name, String(value));
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      cache: 'no-store',
      headers: {
        authorization: `Bearer ${token}`,
        ...(posted ? { 'content-type': 'application/json' } : {}),
      },
      ...(posted ? { body: JSON.stringify(Object.fromEntries(given)) } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError(0, 'unreachable', 'The server does not answer.', 'Is it running?');
  }
  if (!response.ok) throw await refusal(response);
  return (await response.json()) as Answer;
}
