// Addresses of RFC 7622 on the control plane's side. There is one set of rules, the engine's
// (native/codec/jid.cc): a name that one side accepts and the other writes differently would be two
// users. Only what is all ASCII, which is nearly all there is, is decided here without asking it;
// test/engine/jid.test.ts holds the two against each other.

import { AddressPart } from './boundary.gen.js';
import { loadNative } from './native.js';

/** A normalised address; empty parts where there are none. */
export interface Jid {
  readonly local: string;
  readonly domain: string;
  readonly resource: string;
}

const MAX_PART_BYTES = 1023;
const ASCII_LOCALPART = /^[!#$%()*+,\-.0-9;=?A-Z[\\\]^_`a-z{|}~]+$/u;
const ASCII_RESOURCE = /^[ -~]+$/u;
// A label of Punycode says something else than its letters.
const ASCII_DOMAIN =
  /^(?!xn--|.*\.xn--)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/u;
// Half a surrogate pair is no character, and would become one on the way to the engine.
const HALF_CHARACTER = /\p{Cs}/u;

function askEngine(part: AddressPart, text: string): string | undefined {
  if (text.length > MAX_PART_BYTES || HALF_CHARACTER.test(text)) return undefined;
  return loadNative().normalise(part, text);
}

/**
 * UsernameCaseMapped with the exclusions of RFC 7622 §3.3.1: what an account is stored under.
 * Undefined when the text cannot be an account's name.
 */
export function normaliseLocalpart(text: string): string | undefined {
  if (text.length <= MAX_PART_BYTES && ASCII_LOCALPART.test(text)) return text.toLowerCase();
  return askEngine(AddressPart.local, text);
}

/** OpaqueString, as RFC 7622 §3.4.1 wants a resource. */
export function normaliseResource(text: string): string | undefined {
  if (text.length <= MAX_PART_BYTES && ASCII_RESOURCE.test(text)) return text;
  return askEngine(AddressPart.resource, text);
}

/** Lower case, no trailing dot, valid labels or an address literal. */
export function normaliseDomain(text: string): string | undefined {
  if (text.length <= MAX_PART_BYTES && ASCII_DOMAIN.test(text)) return text;
  return askEngine(AddressPart.domain, text);
}

/** Parses and normalises an address; undefined when any part is invalid. */
export function parseJid(text: string): Jid | undefined {
  const slash = text.indexOf('/');
  const bare = slash < 0 ? text : text.slice(0, slash);
  const at = bare.indexOf('@');
  const local = at < 0 ? '' : normaliseLocalpart(bare.slice(0, at));
  const domain = normaliseDomain(bare.slice(at + 1));
  const resource = slash < 0 ? '' : normaliseResource(text.slice(slash + 1));
  if (local === undefined || domain === undefined || resource === undefined) return undefined;
  return { local, domain, resource };
}

/** `local@domain`, or the domain alone. */
export function bareJid(jid: Jid): string {
  return jid.local === '' ? jid.domain : `${jid.local}@${jid.domain}`;
}

/** The whole address. */
export function fullJid(jid: Jid): string {
  return jid.resource === '' ? bareJid(jid) : `${bareJid(jid)}/${jid.resource}`;
}
