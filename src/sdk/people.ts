// People: profiles, who sees what, contacts, and which numbers of an address book are registered.
// The requests and their answers as elements; client.ts sends them.

import { sha256 } from '@noble/hashes/sha2.js';
import type { Element } from './compact/element.js';
import { fromBase64, toBase64 } from './noise/bytes.js';
import { BLOCKING_NS, bareOf, child, childIn, element, ROSTER_NS, textOf } from './stanzas.js';

export const PRIVACY_NS = 'urn:rookery:privacy:1';
export const PROFILE_NS = 'urn:rookery:profile:1';
export const DISCOVERY_NS = 'urn:rookery:discovery:1';

/** What somebody says of themselves; what they have not, or do not show, is missing. */
export interface Profile {
  readonly name?: string;
  readonly about?: string;
  readonly picture?: { readonly type: string; readonly data: Uint8Array };
}

/** What to change of one's profile: undefined stays, an empty text or null goes. */
export interface ProfileChange {
  readonly name?: string;
  readonly about?: string;
  /** JPEG, PNG or WebP, at most 64 KiB. */
  readonly picture?: Uint8Array | null;
}

export type Audience = 'everyone' | 'contacts' | 'nobody';

/** Who sees what of this user. */
export interface Privacy {
  readonly lastSeen: Audience;
  readonly online: Audience;
  readonly picture: Audience;
  readonly about: Audience;
}

/** Somebody in the contact list, which the server keeps. */
export interface Contact {
  readonly peer: string;
  readonly name: string;
}

/** A number that is registered. */
export interface Found {
  /** As it was asked. */
  readonly number: string;
  readonly peer: string;
}

/** How the server wants numbers to be asked. */
export interface DiscoveryRules {
  readonly salt: Uint8Array;
  readonly hashBytes: number;
  readonly maxNumbers: number;
}

const ATTRIBUTES = {
  lastSeen: 'last-seen',
  online: 'online',
  picture: 'profile-picture',
  about: 'about',
} as const;

/** The payload that changes one's profile. */
export function profileChange({ name, about, picture }: ProfileChange): Element {
  const part = (field: string, text: string | undefined) =>
    text === undefined ? undefined : element(field, PROFILE_NS, {}, text);
  const data = picture === null ? '' : picture && toBase64(picture);
  return element(
    'profile',
    PROFILE_NS,
    {},
    part('name', name),
    part('about', about),
    part('picture', data),
  );
}

/** Reads a profile. */
export function readProfile(profile: Element | undefined): Profile {
  if (profile === undefined) return {};
  const name = textOf(child(profile, 'name', PROFILE_NS));
  const about = textOf(child(profile, 'about', PROFILE_NS));
  const picture = child(profile, 'picture', PROFILE_NS);
  const type = picture?.attributes.type ?? '';
  return {
    ...(name === '' ? {} : { name }),
    ...(about === '' ? {} : { about }),
    ...(picture === undefined ? {} : { picture: { type, data: fromBase64(textOf(picture)) } }),
  };
}

/** The payload that changes who sees what. */
export function privacyChange(change: Partial<Privacy>): Element {
  const attributes: Record<string, string | undefined> = {};
  for (const [key, name] of Object.entries(ATTRIBUTES)) {
    attributes[name] = change[key as keyof Privacy];
  }
  return element('privacy', PRIVACY_NS, attributes);
}

/** Reads who sees what. What this program does not know is taken as hidden. */
export function readPrivacy(privacy: Element | undefined): Privacy {
  const audience = (name: string): Audience => {
    const value = privacy?.attributes[name];
    return value === 'everyone' || value === 'contacts' ? value : 'nobody';
  };
  return {
    lastSeen: audience(ATTRIBUTES.lastSeen),
    online: audience(ATTRIBUTES.online),
    picture: audience(ATTRIBUTES.picture),
    about: audience(ATTRIBUTES.about),
  };
}

/** The payload that adds, renames or removes a contact. */
export function contactChange(jid: string, name: string | undefined): Element {
  const attributes = name === undefined ? { jid, subscription: 'remove' } : { jid, name };
  return element('query', ROSTER_NS, {}, element('item', ROSTER_NS, attributes));
}

/** Reads the contact list. */
export function readContacts(query: Element | undefined): Contact[] {
  return (query?.children ?? [])
    .filter((each): each is Element => typeof each !== 'string')
    .map(({ attributes }) => ({ peer: attributes.jid ?? '', name: attributes.name ?? '' }));
}

/** A list that the server keeps, and whose changes it tells all devices of a user. */
export type PeopleList = 'contacts' | 'blocked';

/**
 * Which list a request says has changed, if it is such a push. `own`: this user's bare address;
 * from anybody else it would be a forgery (RFC 6121 section 2.1.6).
 */
export function changedList(iq: Element, own: string): PeopleList | undefined {
  const { type, from } = iq.attributes;
  if (type !== 'set' || (from !== undefined && bareOf(from) !== own)) return undefined;
  if (child(iq, 'query', ROSTER_NS) !== undefined) return 'contacts';
  return childIn(iq, BLOCKING_NS) === undefined ? undefined : 'blocked';
}

/** Reads how numbers are asked. */
export function readRules(rules: Element | undefined): DiscoveryRules {
  const { salt = '', 'hash-bytes': bytes, 'max-numbers': numbers } = rules?.attributes ?? {};
  const hashBytes = Number(bytes);
  const maxNumbers = Number(numbers);
  if (!(hashBytes >= 1 && hashBytes <= 32 && maxNumbers >= 1)) {
    throw new Error('the server does not say how numbers are asked');
  }
  return { salt: fromBase64(salt), hashBytes, maxNumbers };
}

/** What of a number is sent. `digits`: with the country code, without a plus. */
export function numberHash(digits: string, { salt, hashBytes }: DiscoveryRules): Uint8Array {
  const number = new TextEncoder().encode(`+${digits}`);
  return sha256(new Uint8Array([...salt, ...number])).subarray(0, hashBytes);
}

/** The payload that asks for a batch of numbers. */
export function findNumbers(digits: readonly string[], rules: DiscoveryRules): Element {
  const hashes = new Uint8Array(digits.length * rules.hashBytes);
  digits.forEach((each, index) => {
    hashes.set(numberHash(each, rules), index * rules.hashBytes);
  });
  return element('find', DISCOVERY_NS, {}, toBase64(hashes));
}

/** Reads the addresses that were found. */
export function readFound(found: Element | undefined): string[] {
  return (found?.children ?? [])
    .filter((each): each is Element => typeof each !== 'string')
    .map(({ attributes }) => attributes.jid ?? '');
}

/** After how many seconds a refusal says to try again. */
export function retryAfter(error: Element | undefined): number | undefined {
  const retry = error === undefined ? undefined : child(error, 'retry', DISCOVERY_NS);
  const seconds = Number(retry?.attributes.after);
  return seconds > 0 ? seconds : undefined;
}
