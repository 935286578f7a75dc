// What a stanza that came means to a chat.

import type { Element } from './compact/element.js';
import {
  bareOf,
  CARBONS_NS,
  CHAT_STATES_NS,
  CLIENT_NS,
  CORRECTION_NS,
  child,
  childIn,
  DELAY_NS,
  FORWARD_NS,
  MARKERS_NS,
  newId,
  PROTOCOL_NS,
  RECEIPTS_NS,
  RETRACTION_NS,
  textOf,
} from './stanzas.js';

/** What the other side does in a chat. */
export type Activity = 'typing' | 'recording' | 'paused';

/** The meaning of a message; one stanza may have several. */
export type Meaning =
  | {
      kind: 'text';
      id: string;
      body: string;
      at: number;
      receiptWanted: boolean;
      replaces?: string;
    }
  | { kind: 'retraction'; target: string }
  | { kind: 'delivered'; id: string }
  | { kind: 'read'; id: string }
  | { kind: 'activity'; activity: Activity }
  | { kind: 'failed'; id: string; condition: string };

/** A message with whom it is about. */
export interface Understood {
  /** The other side's bare address. */
  readonly peer: string;
  /** It is a copy of what another device of this user sent (XEP-0280). */
  readonly mine: boolean;
  readonly meanings: readonly Meaning[];
}

/** A message that another device of this user sent or got, taken out of its copy. */
function unwrapped(message: Element, own: string): { inner: Element; mine: boolean } | undefined {
  const copy = childIn(message, CARBONS_NS);
  if (copy === undefined) return { inner: message, mine: false };
  // Only the own account may send copies; others would speak in this user's name.
  if (bareOf(message.attributes.from ?? '') !== own) return undefined;
  const forwarded = child(copy, 'forwarded', FORWARD_NS);
  const inner = forwarded === undefined ? undefined : child(forwarded, 'message', CLIENT_NS);
  return inner === undefined ? undefined : { inner, mine: copy.name === 'sent' };
}

function sentAt(message: Element, now: number): number {
  const delay = child(message, 'delay', DELAY_NS);
  const stamp = delay === undefined ? Number.NaN : Date.parse(delay.attributes.stamp ?? '');
  return Number.isNaN(stamp) ? now : Math.min(stamp, now);
}

function activity(state: Element, message: Element): Activity | undefined {
  if (state.name === 'composing') {
    return child(message, 'recording', PROTOCOL_NS) === undefined ? 'typing' : 'recording';
  }
  return ['active', 'paused', 'inactive', 'gone'].includes(state.name) ? 'paused' : undefined;
}

function text(message: Element, now: number): Meaning | undefined {
  const body = child(message, 'body', CLIENT_NS);
  if (body === undefined) return undefined;
  // Not every XMPP client names its messages; there is no receipt for one without a name.
  const { id = '' } = message.attributes;
  const replaces = child(message, 'replace', CORRECTION_NS)?.attributes.id;
  return {
    kind: 'text',
    id: id === '' ? newId() : id,
    body: textOf(body),
    at: sentAt(message, now),
    receiptWanted: id !== '' && child(message, 'request', RECEIPTS_NS) !== undefined,
    ...(replaces === undefined ? {} : { replaces }),
  };
}

function failure(message: Element): Meaning[] {
  const error = child(message, 'error', CLIENT_NS);
  const condition =
    error === undefined ? undefined : childIn(error, 'urn:ietf:params:xml:ns:xmpp-stanzas');
  const id = message.attributes.id ?? '';
  return id === ''
    ? []
    : [{ kind: 'failed', id, condition: condition?.name ?? 'undefined-condition' }];
}

/**
 * Reads a message. `own`: the bare address of this user. Undefined when it is nothing for a
 * chat.
 */
export function understand(message: Element, own: string, now: number): Understood | undefined {
  const found = unwrapped(message, own);
  if (found === undefined) return undefined;
  const { inner, mine } = found;
  const peer = bareOf((mine ? inner.attributes.to : inner.attributes.from) ?? '');
  if (peer === '') return undefined;
  if (inner.attributes.type === 'error') return { peer, mine, meanings: failure(inner) };
  const meanings: Meaning[] = [];
  const words = text(inner, now);
  if (words !== undefined) meanings.push(words);
  const retract = child(inner, 'retract', RETRACTION_NS)?.attributes.id;
  if (retract !== undefined) meanings.push({ kind: 'retraction', target: retract });
  const received = child(inner, 'received', RECEIPTS_NS)?.attributes.id;
  if (received !== undefined) meanings.push({ kind: 'delivered', id: received });
  const displayed = child(inner, 'displayed', MARKERS_NS)?.attributes.id;
  if (displayed !== undefined) meanings.push({ kind: 'read', id: displayed });
  const state = childIn(inner, CHAT_STATES_NS);
  const doing = state === undefined ? undefined : activity(state, inner);
  if (doing !== undefined) meanings.push({ kind: 'activity', activity: doing });
  return { peer, mine, meanings };
}
