// Who this window is for, and the client behind it. What the other parts of the page share.

import { signal } from '@preact/signals';
import type { Account, ConnectionState, MessageStore, RookeryClient } from '../sdk/browser.js';

/** A client and its store, where the page keeps what it knows of people, too. */
export interface Session {
  readonly client: RookeryClient;
  readonly store: MessageStore;
}

export const session = signal<Session | undefined>(undefined);
export const account = signal<Account | undefined>(undefined);
export const connection = signal<ConnectionState>('offline');
/** What the column on the left shows. */
export const panel = signal<'chats' | 'settings' | 'people'>('chats');
/** Announced to screen readers. */
export const announcement = signal('');

/** The client; throws before there is one. */
export function theClient(): RookeryClient {
  const client = session.value?.client;
  if (client === undefined) throw new Error('nobody is logged in');
  return client;
}

/** This user's bare address; empty before there is one. */
export function ownAddress(): string {
  return session.value?.client.address ?? '';
}
