// What the page shows, and what its buttons do. The views read these signals and nothing else.

import { computed, signal } from '@preact/signals';
import {
  type Account,
  type Activity,
  type Chat,
  type LastSeen,
  type Message,
  MessageStore,
  openWorkerDatabase,
  RookeryClient,
  webSocketDial,
} from '../sdk/browser.js';
import { removeDevice } from '../sdk/devices.js';
import { forgetAccount, hasAccount, keepAccount, ownAccount } from './accounts.js';
import { forgetPeople, know, nameOf, refreshLists, refreshPeople } from './people.js';
import { account, announcement, connection, panel, session } from './session.js';
import { isLeaving } from './settings.js';

const TYPING_SHOWN_MS = 8_000;
const TYPING_SENT_MS = 4_000;
const PAGE_MESSAGES = 100;

export const stage = signal<'starting' | 'registering' | 'chatting'>('starting');
export const chats = signal<readonly Chat[]>([]);
/** Bare address of the chat that is open. */
export const open = signal<string | undefined>(undefined);
export const messages = signal<readonly Message[]>([]);
export const activities = signal<ReadonlyMap<string, Activity>>(new Map());
export const lastSeen = signal<LastSeen>(undefined);
/** The own message whose text is being changed. */
export const editing = signal<Message | undefined>(undefined);
/** Something that people must know. */
export const notice = signal<string | undefined>(undefined);

export const unread = computed(() => chats.value.reduce((sum, chat) => sum + chat.unread, 0));

const typingEnds = new Map<string, ReturnType<typeof setTimeout>>();
let typingSentAt = 0;
let closing: Promise<void> = Promise.resolve();

async function refreshChats(): Promise<void> {
  const client = session.value?.client;
  if (client === undefined) return;
  chats.value = await client.chats();
  for (const { peer } of chats.value) void know(peer);
}

async function refreshMessages(): Promise<void> {
  const client = session.value?.client;
  const peer = open.value;
  if (client === undefined || peer === undefined) return;
  const found = await client.history(peer, PAGE_MESSAGES);
  if (open.value === peer) messages.value = found;
}

function setActivity(peer: string, activity: Activity): void {
  const next = new Map(activities.value);
  clearTimeout(typingEnds.get(peer));
  if (activity === 'paused') next.delete(peer);
  else {
    next.set(peer, activity);
    typingEnds.set(
      peer,
      setTimeout(() => setActivity(peer, 'paused'), TYPING_SHOWN_MS),
    );
  }
  activities.value = next;
}

async function arrived(message: Message): Promise<void> {
  setActivity(message.peer, 'paused');
  if (message.peer === open.value && !document.hidden) {
    await session.value?.client.markRead(message.peer);
  }
  if (!message.mine) announcement.value = `${nameOf(message.peer)}: ${message.body}`;
  await Promise.all([refreshChats(), refreshMessages()]);
}

function listen(to: RookeryClient): void {
  to.on('state', (state) => {
    connection.value = state;
    if (state === 'online') online();
  });
  to.on('message', (message) => void arrived(message));
  to.on('change', () => void Promise.all([refreshChats(), refreshMessages()]));
  to.on('activity', ({ peer, activity }) => setActivity(peer, activity));
  to.on('presence', ({ peer }) => {
    if (peer === open.value) void askLastSeen(peer);
  });
  to.on('list', () => void refreshLists());
  to.on('refused', (why) => {
    if (isLeaving()) return;
    notice.value = why.message;
    const current = account.value;
    if (current !== undefined) forgetAccount(current);
    session.value = undefined;
    open.value = undefined;
    panel.value = 'chats';
    stage.value = 'registering';
    // Its database must be free for whoever registers here next.
    closing = to.close();
  });
}

/** Connected again: what may have changed meanwhile is asked for. */
function online(): void {
  void refreshLists();
  refreshPeople(chats.value.map(({ peer }) => peer));
  const peer = open.value;
  if (peer !== undefined) void askLastSeen(peer);
}

async function start(own: Account): Promise<void> {
  const [url] = own.websocket;
  if (url === undefined) throw new Error('the server offers no WebSocket to this page');
  await closing;
  const worker = new Worker(new URL('./database-worker.js', import.meta.url), { type: 'module' });
  const database = await openWorkerDatabase(worker, own.user);
  const store = await MessageStore.open(database);
  const client = await RookeryClient.open(own, store, webSocketDial(url));
  forgetPeople();
  session.value = { client, store };
  account.value = own;
  notice.value = undefined;
  listen(client);
  connection.value = client.state;
  if (client.state === 'online') online();
  stage.value = 'chatting';
  await refreshChats();
}

/** Begins: with the account of this window, or by registering one. */
export async function begin(): Promise<void> {
  const own = await ownAccount();
  if (own === undefined) stage.value = 'registering';
  else await start(own);
}

/** A number was registered. */
export async function registered(own: Account): Promise<void> {
  await keepAccount(own);
  await start(own);
}

/** This browser has joined an account with the code of another device. */
export async function joined(own: Account): Promise<void> {
  if (hasAccount(own.user)) {
    await removeDevice(own, own.device);
    throw new Error('This browser has a device of that account already, in another window.');
  }
  await registered(own);
}

async function askLastSeen(peer: string): Promise<void> {
  try {
    const seen = await session.value?.client.lastSeen(peer);
    if (open.value === peer) lastSeen.value = seen;
  } catch {
    // Offline: it is asked again when the chat is opened.
  }
}

/** Opens a chat: by a number as people write it, or by an address. */
export async function openChat(who: string): Promise<void> {
  const client = session.value?.client;
  if (client === undefined) return;
  let peer: string;
  try {
    peer = client.addressOf(who);
  } catch (error) {
    notice.value = (error as Error).message;
    return;
  }
  notice.value = undefined;
  panel.value = 'chats';
  open.value = peer;
  messages.value = [];
  lastSeen.value = undefined;
  editing.value = undefined;
  void know(peer, true);
  await refreshMessages();
  await client.markRead(peer);
  await refreshChats();
  if (client.state === 'online') await askLastSeen(peer);
}

export function closeChat(): void {
  open.value = undefined;
}

/** Sends what was written, or replaces the message that is being edited. */
export async function submit(text: string): Promise<void> {
  const client = session.value?.client;
  const peer = open.value;
  if (client === undefined || peer === undefined || text.trim() === '') return;
  const replaced = editing.value;
  editing.value = undefined;
  typingSentAt = 0;
  if (replaced === undefined) await client.send(peer, text);
  else await client.edit(replaced, text);
  await Promise.all([refreshChats(), refreshMessages()]);
}

/** Takes an own message back for everybody. */
export async function retract(message: Message): Promise<void> {
  await session.value?.client.retract(message);
  await Promise.all([refreshChats(), refreshMessages()]);
}

/** A key was pressed in the text field. */
export function typed(text: string): void {
  const client = session.value?.client;
  const peer = open.value;
  if (client === undefined || peer === undefined || client.state !== 'online') return;
  const now = Date.now();
  if (text === '') {
    if (typingSentAt !== 0) client.typing(peer, 'paused');
    typingSentAt = 0;
  } else if (now - typingSentAt > TYPING_SENT_MS) {
    typingSentAt = now;
    client.typing(peer, 'typing');
  }
}

document.addEventListener('visibilitychange', () => {
  const client = session.value?.client;
  client?.setActive(!document.hidden);
  const peer = open.value;
  if (!document.hidden && peer !== undefined) void client?.markRead(peer).then(refreshChats);
});
window.addEventListener('online', () => session.value?.client.connectNow());
