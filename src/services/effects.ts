// What a handler asks for besides its answer. Commands go to the engine as they are. The others
// name a fact that has changed: the main thread reads its newest value from the store when it
// hands it down, so that two workers which finish out of order cannot leave the engine with the
// older one.

import { Audience, type Command } from '../engine/boundary.gen.js';

/** The engine must learn what `user` and `contact` are to each other. */
export interface RefreshContact {
  readonly kind: 'RefreshContact';
  readonly user: string;
  readonly contact: string;
}

/** The engine must learn the user's block list. */
export interface RefreshBlockList {
  readonly kind: 'RefreshBlockList';
  readonly user: string;
}

/** The engine must learn from whom the user hides that they are online. */
export interface RefreshPrivacy {
  readonly kind: 'RefreshPrivacy';
  readonly user: string;
}

/** The engine must learn the account's keys, or that it is gone. */
export interface RefreshAccount {
  readonly kind: 'RefreshAccount';
  readonly user: string;
}

/** The engine must learn the keys of the account's devices. */
export interface RefreshDevices {
  readonly kind: 'RefreshDevices';
  readonly user: string;
}

export type Effect =
  | Command
  | RefreshContact
  | RefreshBlockList
  | RefreshPrivacy
  | RefreshAccount
  | RefreshDevices;

/** Writes a stanza to one session. */
export function toSession(user: string, session: bigint, stanza: string): Command {
  return { kind: 'SendToUser', user, audience: Audience.session, session, resource: '', stanza };
}

/** Writes a stanza to every session that has asked for its roster. */
export function toInterested(user: string, stanza: string): Command {
  return {
    kind: 'SendToUser',
    user,
    audience: Audience.interested,
    session: 0n,
    resource: '',
    stanza,
  };
}

/** Writes a stanza to every available session. */
export function toAvailable(user: string, stanza: string): Command {
  return {
    kind: 'SendToUser',
    user,
    audience: Audience.available,
    session: 0n,
    resource: '',
    stanza,
  };
}
