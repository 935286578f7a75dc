// `rookery/client` for Node: everything a program needs to be a phone.

import { RookeryClient } from './client.js';
import type { Dial } from './links/link.js';
import { tcpDial } from './links/tcp.js';
import { webSocketDial } from './links/websocket.js';
import type { Account } from './registration.js';
import { MessageStore } from './store/message-store.js';
import { openNodeDatabase } from './store/node-database.js';

export * from './client.js';
export type { Device, LinkingCode } from './devices.js';
export { RegistrationError } from './http.js';
export type { Activity } from './incoming.js';
export type { Dial, Link, Place } from './links/link.js';
export { tcpDial } from './links/tcp.js';
export { webSocketDial } from './links/websocket.js';
export type {
  Audience,
  Contact,
  Found,
  PeopleList,
  Privacy,
  Profile,
  ProfileChange,
} from './people.js';
export { type Account, joinAccount, Registration } from './registration.js';
export { type Chat, type Message, MessageStore, type Tick } from './store/message-store.js';
export { openNodeDatabase } from './store/node-database.js';
export type { SqlDatabase } from './store/sql-database.js';
export { Refused } from './stream/frames.js';
export { LoginFailed } from './stream/managed-stream.js';

/** How an account's server is reached: TCP where it offers it, WebSocket otherwise. */
export function dialOf(account: Account): Dial {
  const [address] = account.compact;
  if (address !== undefined) {
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/^\[|\]$/gu, '');
    return tcpDial(host, Number(address.slice(colon + 1)));
  }
  const [url] = account.websocket;
  if (url === undefined) throw new Error('the account names no address of its server');
  return webSocketDial(url);
}

/** Opens a client whose messages are kept in a SQLite file (`:memory:`: nowhere). */
export async function openClient(account: Account, file: string): Promise<RookeryClient> {
  return RookeryClient.open(
    account,
    await MessageStore.open(openNodeDatabase(file)),
    dialOf(account),
  );
}
