// Doing something to the server: a question first, when the operation has one, then the deed, and
// what came of it as a toast.

import { signal } from '@preact/signals';
import { confirmWords } from '../../operations/confirm.js';
import { shortBytes } from '../../operations/words.js';
import type { Action } from '../api/operations.js';
import type { Question } from '../api/request.js';
import { actions, forbidden, query } from './session.js';
import { complain, tell } from './toasts.js';

type Input = NonNullable<Question['input']>;

/** A question that stands before the people. */
export interface Asking {
  readonly action: Action;
  readonly input: Input;
  readonly words: string;
  /** What is on the button that does it. */
  readonly deed: string;
}

export const asking = signal<Asking | undefined>(undefined);
/** Operations that are under way. */
export const pending = signal<ReadonlySet<string>>(new Set());

interface Outcome {
  readonly version?: number;
  readonly handlers?: readonly string[];
  readonly user?: string;
  readonly sessions?: number;
  readonly level?: string;
  readonly messages?: number;
  readonly bytes?: number;
  readonly ms?: number;
}

const OUTCOMES: Readonly<Record<string, (outcome: Outcome) => string>> = {
  reload: ({ version, handlers }) =>
    `Loaded version ${version} of ${handlers?.length ?? 0} handlers.`,
  kick: ({ user, sessions = 0 }) =>
    `Ended ${sessions} ${sessions === 1 ? 'session' : 'sessions'} of ${user}.`,
  stop: () => 'The server stops.',
  logLevel: ({ level }) => `The server logs ${level} and above.`,
  flush: ({ messages = 0, bytes = 0, ms = 0 }) =>
    `Everything is on disk: ${messages} messages more, ${shortBytes(bytes)}, after ${ms} ms.`,
  drain: () => 'Clients are sent away, and none is let in.',
  drainEnd: () => 'Connections are taken again.',
  alarmAcknowledge: () => 'Everybody sees that you see to it.',
};

function mark(id: string, isPending: boolean): void {
  const next = new Set(pending.value);
  if (isPending) next.add(id);
  else next.delete(id);
  pending.value = next;
}

async function perform({ id, path, summary }: Action, input: Input): Promise<boolean> {
  mark(id, true);
  try {
    const outcome = await query<Outcome>(path, { method: 'POST', input });
    tell(OUTCOMES[id]?.(outcome) ?? `Done: ${summary}.`);
    return true;
  } catch (error) {
    complain(error);
    return false;
  } finally {
    mark(id, false);
  }
}

/** Why this cannot be done by whoever is signed in, or by this server; undefined: it can. */
export function obstacle(id: string): string | undefined {
  const action = actions.value.get(id);
  if (action === undefined) return 'This server does not know it.';
  return forbidden(action.role);
}

/** Asks if need be, and does it. */
export function act(id: string, input: Input, deed: string): void {
  const action = actions.value.get(id);
  if (action === undefined || obstacle(id) !== undefined) return;
  if (action.confirm === '') void perform(action, input);
  else asking.value = { action, input, words: confirmWords(action.confirm, input), deed };
}

/** The answer to the question. */
export function answer(yes: boolean): void {
  const asked = asking.value;
  asking.value = undefined;
  if (yes && asked !== undefined) void perform(asked.action, asked.input);
}
