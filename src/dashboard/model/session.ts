// Who is signed in: the token, whose it is, and what that role may do. The token stays in this tab,
// unless somebody asks for this device to remember it.

import { computed, signal } from '@preact/signals';
import { allows, type Caller, type Role } from '../api/answers.js';
import { type Action, loadActions } from '../api/operations.js';
import { ApiError, ask, type Question } from '../api/request.js';

const KEY = 'rookery-token';

export const token = signal<string | undefined>(undefined);
export const caller = signal<Caller | undefined>(undefined);
export const actions = signal<ReadonlyMap<string, Action>>(new Map());
/** Whether something was remembered that is being tried. */
export const isStarting = signal(true);
/** Why there is nobody signed in, for the form. */
export const refusal = signal<Refusal | undefined>(undefined);
export const isSignedIn = computed(() => caller.value !== undefined);

export interface Refusal {
  readonly message: string;
  /** Text with `commands` in it. */
  readonly advice: string;
}

const WORDS: Readonly<Record<string, string>> = {
  'token-unknown': 'The server does not know this token. It may have been deleted.',
  'token-expired': 'This token has expired.',
  'token-missing': 'This is no token.',
  unreachable: 'The server does not answer.',
};
const MAKE_ONE = 'Make one on the server: `rookery token add NAME --role operator`';

/** What the form says of a refusal. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof ApiError)) return { message: String(error), advice: '' };
  const { status, rule, message } = error;
  const advice = status === 401 ? MAKE_ONE : error.advice;
  return { message: WORDS[rule] ?? message, advice };
}

function stored(): string | undefined {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined;
}

function forget(): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
}

/** Asks whose token this is; throws what the server says against it. */
async function enter(given: string): Promise<void> {
  const found = await ask<Caller>('api/v1/whoami', { token: given });
  actions.value = await loadActions(given);
  token.value = given;
  refusal.value = undefined;
  caller.value = found;
}

/** Signs in; false: `refusal` says why not. */
export async function signIn(given: string, remember: boolean): Promise<boolean> {
  try {
    await enter(given);
  } catch (error) {
    refusal.value = refusalOf(error);
    return false;
  }
  forget();
  (remember ? localStorage : sessionStorage).setItem(KEY, given);
  return true;
}

/** Nobody is signed in any more; `why` is for the form. */
export function signOut(why?: Refusal): void {
  forget();
  token.value = undefined;
  caller.value = undefined;
  actions.value = new Map();
  refusal.value = why;
}

/** Begins with the token that is remembered, if there is one. */
export async function resume(): Promise<void> {
  const found = stored();
  try {
    if (found !== undefined) await enter(found);
  } catch (error) {
    refusal.value = refusalOf(error);
    // One that is refused is of no more use; a server that is away may come back.
    if (error instanceof ApiError && error.status === 401) forget();
  }
  isStarting.value = false;
}

/** The server has been started anew, perhaps another version with other operations. */
export async function renew(): Promise<void> {
  const current = token.value;
  if (current === undefined) return;
  const found = await ask<Caller>('api/v1/whoami', { token: current });
  if (found.version !== caller.value?.version) actions.value = await loadActions(current);
  if (token.value === current) caller.value = found;
}

/** Asks with the token that is signed in. A token that is not valid any more signs out. */
export async function query<Answer>(
  path: string,
  asked: Omit<Question, 'token'> = {},
): Promise<Answer> {
  try {
    return await ask<Answer>(path, { ...asked, token: token.value ?? '' });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) signOut(refusalOf(error));
    throw error;
  }
}

/** Why the one who is signed in may not do this; undefined: they may. */
export function forbidden(wanted: Role): string | undefined {
  const current = caller.value;
  if (current === undefined) return 'Nobody is signed in.';
  if (allows(current.role, wanted)) return undefined;
  return `This is for the role ${wanted}; ${current.name} is ${current.role}.`;
}
