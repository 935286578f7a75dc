// Addresses of RFC 7622 on the control plane's side. It must agree with native/codec/jid.cc to the
// byte: a name that one side accepts and the other writes differently would be two users.

/** A normalised address; empty parts where there are none. */
export interface Jid {
  readonly local: string;
  readonly domain: string;
  readonly resource: string;
}

const MAX_PART_BYTES = 1023;
const FULLWIDTH = /[\uff01-\uffef\u3000]/gu;
const FORBIDDEN_IN_LOCALPART = /["&'/:<>@\s]/u;
const ASCII_LOCALPART = /^[!#$%()*+,\-.0-9;=?A-Z[\\\]^_`a-z{|}~]+$/u;
const IDENTIFIER = /^[!-~\p{Lu}\p{Ll}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]+$/u;
const FREEFORM = /^[ -~\p{L}\p{N}\p{M}\p{P}\p{S}\p{Zs}]+$/u;
const DOMAIN_LABEL =
  /^[a-z0-9\u0080-\u{10ffff}]([-a-z0-9\u0080-\u{10ffff}]*[a-z0-9\u0080-\u{10ffff}])?$/u;
const ADDRESS_LITERAL = /^\[[0-9a-f:.]+\]$/u;

/** Simple case mapping, each code point alone, as in the engine: no final sigma, no dots. */
function lowerCase(text: string): string {
  return Array.from(text, (character) => {
    const lower = character.toLowerCase();
    return character === '\u0130' ? 'i' : lower;
  }).join('');
}

function fits(text: string): boolean {
  return text.length > 0 && Buffer.byteLength(text) <= MAX_PART_BYTES;
}

/**
 * UsernameCaseMapped with the exclusions of RFC 7622 §3.3.1: what an account is stored under.
 * Undefined when the text cannot be an account's name.
 */
export function normaliseLocalpart(text: string): string | undefined {
  if (ASCII_LOCALPART.test(text)) {
    const lower = text.toLowerCase();
    return fits(lower) ? lower : undefined;
  }
  const narrow = text.replace(FULLWIDTH, (wide) => wide.normalize('NFKC'));
  const mapped = lowerCase(narrow).normalize('NFC');
  if (!fits(mapped) || FORBIDDEN_IN_LOCALPART.test(mapped) || !IDENTIFIER.test(mapped)) {
    return undefined;
  }
  // RFC 8264 §9.17: what has a compatibility equivalent is not allowed in an identifier.
  return mapped.normalize('NFKC').normalize('NFC') === mapped ? mapped : undefined;
}

/** OpaqueString, as RFC 7622 §3.4.1 wants a resource. */
export function normaliseResource(text: string): string | undefined {
  const mapped = text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  return fits(mapped) && FREEFORM.test(mapped) ? mapped : undefined;
}

/** Lower case, no trailing dot, valid labels or an address literal. */
export function normaliseDomain(text: string): string | undefined {
  const lower = text.toLowerCase().normalize('NFC').replace(/\.$/u, '');
  if (!fits(lower)) return undefined;
  if (ADDRESS_LITERAL.test(lower)) return lower;
  const good = lower.split('.').every((label) => label.length <= 63 && DOMAIN_LABEL.test(label));
  return good ? lower : undefined;
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
  return at >= 0 && local === '' ? undefined : { local, domain, resource };
}

/** `local@domain`, or the domain alone. */
export function bareJid(jid: Jid): string {
  return jid.local === '' ? jid.domain : `${jid.local}@${jid.domain}`;
}

/** The whole address. */
export function fullJid(jid: Jid): string {
  return jid.resource === '' ? bareJid(jid) : `${bareJid(jid)}/${jid.resource}`;
}
