// The server as it is now: one WebSocket that is opened again when it ends, and none while nobody
// looks at the page.

import { effect, signal, untracked } from '@preact/signals';
import type { ServerView } from '../../operations/view/server-view.js';
import type { ViewHistory } from '../api/answers.js';
import { LiveSocket } from '../api/live-socket.js';
import { ApiError } from '../api/request.js';
import { History } from './history.js';
import { isSignedIn, query, refusalOf, renew, signOut, token } from './session.js';
import { type Trouble, Troubles } from './troubles.js';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;
/** Figures come each second; after so many without them they are not the server's any more. */
const STALE_MS = 5000;
/** A tab that is only glanced away from keeps its connection. */
const HIDDEN_GRACE_MS = 2000;
const TICK_MS = 1000;

export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** It is tried again then. */
  | { readonly state: 'waiting'; readonly until: number; readonly why: string }
  | { readonly state: 'sleeping' };

export const link = signal<Link>({ state: 'connecting' });
export const view = signal<ServerView | undefined>(undefined);
/** What has not been well for some seconds, without an alarm. */
export const troubles = signal<readonly Trouble[]>([]);
export const history = new History();
/** Changes whenever the history does. */
export const historyCount = signal(0);
/** This machine's clock, each second while the page is seen. */
export const clock = signal(Date.now());
/** When the last figures came, by this machine's clock; 0: none yet. */
export const heardAt = signal(0);
export const isVisible = signal(!document.hidden);

let memory = new Troubles();
let socket: LiveSocket | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let pauseMs = FIRST_PAUSE_MS;
/** Says which attempt an answer belongs to. */
let attempt = 0;

/** How old the last figures are, in milliseconds, by this machine's clock. */
export function staleMs(): number {
  if (heardAt.value === 0) return 0;
  const age = clock.value - heardAt.value;
  return age > STALE_MS ? age : 0;
}

/** Whether the figures are those of a server that does not answer any more. */
export function isOld(): boolean {
  return staleMs() > 0 || (link.value.state === 'waiting' && heardAt.value > 0);
}

function take(item: ServerView): void {
  heardAt.value = Date.now();
  clock.value = heardAt.value;
  history.add(
    item.point,
    item.shards.map(({ level }) => level),
  );
  troubles.value = memory.take(item);
  view.value = item;
  historyCount.value++;
  pauseMs = FIRST_PAUSE_MS;
  if (link.value.state !== 'live') link.value = { state: 'live' };
}

function wait(why: string): void {
  // Not all pages that a restart sent away come back in the same moment.
  const pause = pauseMs * (0.8 + 0.4 * Math.random());
  link.value = { state: 'waiting', until: Date.now() + pause, why };
  pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
  timer = setTimeout(() => void open(), pause);
}

async function open(): Promise<void> {
  clearTimeout(timer);
  socket?.close();
  socket = undefined;
  const own = ++attempt;
  link.value = { state: 'connecting' };
  try {
    // A WebSocket that is refused does not say why; a question does.
    await renew();
    const { points } = await query<ViewHistory>('api/v1/view/history');
    if (own !== attempt) return;
    history.fill(points);
    historyCount.value++;
  } catch (error) {
    if (own !== attempt) return;
    if (error instanceof ApiError && error.status === 401) signOut(refusalOf(error));
    else wait(error instanceof Error ? error.message : String(error));
    return;
  }
  socket = new LiveSocket('api/v1/view/stream', token.value ?? '', {
    item: (item) => take(item as ServerView),
    ended: () => wait('The connection to the server has ended.'),
  });
}

function close(): void {
  attempt++;
  clearTimeout(timer);
  socket?.close();
  socket = undefined;
}

function sleep(): void {
  close();
  link.value = { state: 'sleeping' };
}

/** Tries at once, whatever the pause. */
export function tryNow(): void {
  pauseMs = FIRST_PAUSE_MS;
  void open();
}

function forget(): void {
  close();
  history.clear();
  memory = new Troubles();
  troubles.value = [];
  view.value = undefined;
  heardAt.value = 0;
}

/** Follows the server for as long as somebody is signed in and looks. */
export function follow(): void {
  let hiding: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiding);
    if (!document.hidden) isVisible.value = true;
    else {
      hiding = setTimeout(() => {
        isVisible.value = false;
      }, HIDDEN_GRACE_MS);
    }
  });
  window.addEventListener('online', () => {
    if (link.value.state === 'waiting') tryNow();
  });
  effect(() => {
    if (!isVisible.value) return;
    const tick = (): void => {
      clock.value = Date.now();
    };
    tick();
    const ticking = setInterval(tick, TICK_MS);
    return () => clearInterval(ticking);
  });
  effect(() => {
    const wanted = isSignedIn.value;
    const seen = isVisible.value;
    // What these read of other signals must not bring them about again.
    untracked(() => {
      if (!wanted) forget();
      else if (seen) tryNow();
      else sleep();
    });
  });
}
