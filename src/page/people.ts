// What the page knows of people: what they say of themselves, who is a contact, who is blocked. It
// is kept in the client's store, so that names and pictures are there without a network, too.

import { signal } from '@preact/signals';
import type { Found, Profile } from '../sdk/browser.js';
import { fromBase64, toBase64 } from '../sdk/noise/bytes.js';
import { connection, ownAddress, session, theClient } from './session.js';

/** What was asked is not asked again for so long, unless somebody looks at it. */
const FRESH_MS = 10 * 60_000;

/** What somebody shows of themselves. */
export interface Person {
  readonly name?: string;
  readonly about?: string;
  /** The address of their picture, for an <img>. */
  readonly picture?: string;
}

/** As it is kept. */
interface Kept {
  name?: string;
  about?: string;
  picture?: { type: string; data: string };
}

export const people = signal<ReadonlyMap<string, Person>>(new Map());
/** Contacts, with the names that this user gave them (or empty ones). */
export const contacts = signal<ReadonlyMap<string, string>>(new Map());
export const blocked = signal<ReadonlySet<string>>(new Set());
/** Whose dialog is open. */
export const shown = signal<string | undefined>(undefined);

const askedAt = new Map<string, number>();
let queue: Promise<void> = Promise.resolve();

/** `49170…@example.org` as people write it. */
export function numberOf(address: string): string {
  const local = address.split('@')[0] ?? address;
  return /^[0-9]{5,}$/u.test(local) ? `+${local}` : local;
}

/** What to call somebody: as this user named them, as they name themselves, or by their number. */
export function nameOf(address: string): string {
  const given = contacts.value.get(address) ?? '';
  return given === '' ? (people.value.get(address)?.name ?? numberOf(address)) : given;
}

/** Whether a name is shown in the place of the number. */
export function isNamed(address: string): boolean {
  return nameOf(address) !== numberOf(address);
}

function show(peer: string, kept: Kept): void {
  const old = people.value.get(peer);
  if (old?.picture !== undefined) URL.revokeObjectURL(old.picture);
  const { name, about, picture } = kept;
  const next: Person = {
    ...(name === undefined ? {} : { name }),
    ...(about === undefined ? {} : { about }),
    ...(picture === undefined ? {} : { picture: addressOf(picture) }),
  };
  people.value = new Map(people.value).set(peer, next);
}

function addressOf({ type, data }: { type: string; data: string }): string {
  return URL.createObjectURL(new Blob([fromBase64(data) as Uint8Array<ArrayBuffer>], { type }));
}

function toKeep({ name, about, picture }: Profile): Kept {
  return {
    ...(name === undefined ? {} : { name }),
    ...(about === undefined ? {} : { about }),
    ...(picture === undefined
      ? {}
      : { picture: { type: picture.type, data: toBase64(picture.data) } }),
  };
}

async function ask(peer: string): Promise<void> {
  const current = session.value;
  if (current === undefined) return;
  const profile = toKeep(await current.client.profile(peer));
  const name = `profile ${peer}`;
  const before = await current.store.recall<Kept>(name);
  if (session.value !== current) return;
  if (people.value.has(peer) && JSON.stringify(before) === JSON.stringify(profile)) return;
  await current.store.remember(name, profile);
  show(peer, profile);
}

/** Shows what is kept of somebody, and asks the server when that is old, or `now`. */
export async function know(peer: string, now = false): Promise<void> {
  const current = session.value;
  if (current === undefined || peer === '') return;
  if (!people.value.has(peer)) {
    const kept = await current.store.recall<Kept>(`profile ${peer}`);
    if (kept !== undefined && session.value === current) show(peer, kept);
  }
  const age = Date.now() - (askedAt.get(peer) ?? 0);
  if (connection.value !== 'online' || (!now && age < FRESH_MS)) return;
  askedAt.set(peer, Date.now());
  // One after another: a long list of chats must not fill the server's queue at once.
  queue = queue
    .then(() => ask(peer))
    .catch(() => {
      // Offline, or too busy: asked for again when it is looked at.
      askedAt.delete(peer);
    });
  await queue;
}

/** Asks for everybody again, as after a time without a connection. */
export function refreshPeople(peers: readonly string[]): void {
  askedAt.clear();
  for (const peer of [ownAddress(), ...peers]) void know(peer);
}

/** Asks who is a contact and who is blocked. From then on the server tells of changes. */
export async function refreshLists(): Promise<void> {
  const { client } = session.value ?? {};
  if (client === undefined || client.state !== 'online') return;
  try {
    const [listed, hidden] = await Promise.all([client.contacts(), client.blocked()]);
    contacts.value = new Map(listed.map(({ peer, name }) => [peer, name]));
    blocked.value = new Set(hidden);
  } catch {
    // The connection broke: it is asked again with the next one.
  }
}

/** Puts somebody into the contact list, or gives them another name. */
export async function addContact(peer: string, name: string): Promise<void> {
  await theClient().addContact(peer, name.trim());
  await refreshLists();
  // A contact may see, and so be shown, more than a stranger.
  await know(peer, true);
}

export async function removeContact(peer: string): Promise<void> {
  await theClient().removeContact(peer);
  await refreshLists();
}

export async function block(peer: string): Promise<void> {
  await theClient().block(peer);
  await refreshLists();
}

export async function unblock(peer: string): Promise<void> {
  await theClient().unblock(peer);
  await refreshLists();
}

/** What was typed, as numbers: by lines, commas or semicolons. */
export function numbersIn(text: string): string[] {
  const parts = text.split(/[\n,;]+/u).map((each) => each.trim());
  return [...new Set(parts)].filter((each) => /[0-9]/u.test(each));
}

/** Which of these numbers are registered. */
export async function findPeople(numbers: readonly string[]): Promise<Found[]> {
  const found = await theClient().discover(numbers);
  for (const { peer } of found) void know(peer);
  return found;
}

/** Forgets everybody, as when another account begins. */
export function forgetPeople(): void {
  for (const { picture } of people.value.values()) {
    if (picture !== undefined) URL.revokeObjectURL(picture);
  }
  people.value = new Map();
  contacts.value = new Map();
  blocked.value = new Set();
  shown.value = undefined;
  askedAt.clear();
}
