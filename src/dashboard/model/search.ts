// The one box: what is written in it may be a user or the id of a message; the server is asked for
// both.

import { signal } from '@preact/signals';
import type { Mailbox, WhereMessage } from '../api/answers.js';
import { ApiError } from '../api/request.js';
import { open } from './drawer.js';
import { query } from './session.js';
import { complain } from './toasts.js';

export const isSearching = signal(false);

/** Refusals that only say that there is no such user. */
function isNobody(error: unknown): boolean {
  return error instanceof ApiError && [400, 404].includes(error.status);
}

async function isUser(user: string): Promise<boolean> {
  try {
    await query<Mailbox>('api/v1/mailbox', { input: { user, limit: 1 } });
    return true;
  } catch (error) {
    if (isNobody(error)) return false;
    throw error;
  }
}

async function isMessage(id: string): Promise<boolean> {
  const { messages } = await query<WhereMessage>('api/v1/where', { input: { id } });
  return messages.length > 0;
}

/** Looks for it, and opens what is found: a user before a message. */
export async function search(written: string): Promise<void> {
  const text = written.trim();
  if (text === '') return;
  isSearching.value = true;
  try {
    const [user, message] = await Promise.all([isUser(text), isMessage(text)]);
    if (user) open({ kind: 'user', user: text });
    else if (message) open({ kind: 'message', id: text });
    else open({ kind: 'nothing', text });
  } catch (error) {
    complain(error);
  } finally {
    isSearching.value = false;
  }
}
