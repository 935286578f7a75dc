// Tells somebody else's program over HTTP, signed, so that it knows who speaks.

import { createHmac } from 'node:crypto';
import { errorText } from '../base/errors.js';

/** Somebody was not told. */
export class SendError extends Error {
  constructor(
    message: string,
    /** Whether it may work later. */
    readonly again: boolean,
  ) {
    super(message);
  }
}

export interface WebhookOptions {
  readonly url: string;
  readonly secret: string;
  readonly timeoutSeconds: number;
}

const RETRY_STATUSES = new Set([408, 425, 429]);

/** The value of the header by which a webhook knows us. */
export function webhookSignature(secret: string, seconds: number, body: string): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${mac}`;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return errorText(cause);
}

/**
 * One attempt. `id` is the same for every attempt, so that the receiver can tell a repetition.
 * Throws a SendError.
 */
export async function postWebhook(
  { url, secret, timeoutSeconds }: WebhookOptions,
  id: string,
  body: string,
  stop: AbortSignal,
): Promise<void> {
  let status: number;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': id,
        'x-rookery-signature': webhookSignature(secret, Math.floor(Date.now() / 1000), body),
      },
      body,
      // Whoever it is sent on to has no business with it.
      redirect: 'manual',
      signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutSeconds * 1000)]),
    });
    ({ status } = response);
    await response.body?.cancel();
  } catch (error) {
    throw new SendError(`no answer: ${causeOf(error)}`, !stop.aborted);
  }
  if (status >= 200 && status < 300) return;
  throw new SendError(`answered ${status}`, status >= 500 || RETRY_STATUSES.has(status));
}
