// The stanzas that the client makes and understands, as elements: the names of RFC 6121 and of the
// extensions that docs/PROTOCOL.md section 6.3 lists.

import type { Element } from './compact/element.js';

export const CLIENT_NS = 'jabber:client';
export const PROTOCOL_NS = 'urn:rookery:compact:1';
export const STREAM_MANAGEMENT_NS = 'urn:xmpp:sm:3';
export const RECEIPTS_NS = 'urn:xmpp:receipts';
export const MARKERS_NS = 'urn:xmpp:chat-markers:0';
export const CHAT_STATES_NS = 'http://jabber.org/protocol/chatstates';
export const CORRECTION_NS = 'urn:xmpp:message-correct:0';
export const RETRACTION_NS = 'urn:xmpp:message-retract:1';
export const DELAY_NS = 'urn:xmpp:delay';
export const HINTS_NS = 'urn:xmpp:hints';
export const LAST_NS = 'jabber:iq:last';
export const BLOCKING_NS = 'urn:xmpp:blocking';
export const CARBONS_NS = 'urn:xmpp:carbons:2';
export const FORWARD_NS = 'urn:xmpp:forward:0';
export const CLIENT_STATE_NS = 'urn:xmpp:csi:0';
export const ROSTER_NS = 'jabber:iq:roster';
export const VCARD_NS = 'vcard-temp';

type Child = Element | string | undefined;

/** Makes an element; attributes and children that are undefined are left out. */
export function element(
  name: string,
  xmlns: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): Element {
  const present: Record<string, string> = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) present[key] = value;
  }
  return {
    name,
    xmlns,
    attributes: present,
    children: children.filter((child): child is Element | string => child !== undefined),
  };
}

/** The first child of that name and namespace. */
export function child(parent: Element, name: string, xmlns: string): Element | undefined {
  return parent.children.find(
    (each): each is Element =>
      typeof each !== 'string' && each.name === name && each.xmlns === xmlns,
  );
}

/** The first child in that namespace, whatever its name. */
export function childIn(parent: Element, xmlns: string): Element | undefined {
  return parent.children.find(
    (each): each is Element => typeof each !== 'string' && each.xmlns === xmlns,
  );
}

/** The text directly in an element. */
export function textOf(parent: Element | undefined): string {
  return parent?.children.filter((each) => typeof each === 'string').join('') ?? '';
}

/** An address without its resource. */
export function bareOf(address: string): string {
  const slash = address.indexOf('/');
  return slash < 0 ? address : address.slice(0, slash);
}

/** Twelve random hexadecimal digits. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A text message; asks for a receipt and may be marked as read. */
export function textMessage(to: string, id: string, body: string): Element {
  return element(
    'message',
    CLIENT_NS,
    { to, id, type: 'chat' },
    element('body', CLIENT_NS, {}, body),
    element('request', RECEIPTS_NS),
    element('markable', MARKERS_NS),
  );
}

/** A message that takes the place of an earlier one (XEP-0308). */
export function correction(to: string, id: string, body: string, replaced: string): Element {
  const message = textMessage(to, id, body);
  return {
    ...message,
    children: [...message.children, element('replace', CORRECTION_NS, { id: replaced })],
  };
}

/** A message that takes an earlier one back for everybody (XEP-0424). */
export function retraction(to: string, id: string, retracted: string): Element {
  return element(
    'message',
    CLIENT_NS,
    { to, id, type: 'chat' },
    element('retract', RETRACTION_NS, { id: retracted }),
    element('store', HINTS_NS),
  );
}

/** The second tick (XEP-0184). */
export function receipt(to: string, received: string): Element {
  return element(
    'message',
    CLIENT_NS,
    { to, id: newId(), type: 'chat' },
    element('received', RECEIPTS_NS, { id: received }),
  );
}

/** The third tick (XEP-0333), for a message and all before it. */
export function readMarker(to: string, read: string): Element {
  return element(
    'message',
    CLIENT_NS,
    { to, id: newId(), type: 'chat' },
    element('displayed', MARKERS_NS, { id: read }),
  );
}

/** What somebody does in a chat: composing (typing), recording, paused … */
export function chatState(to: string, state: 'composing' | 'recording' | 'paused'): Element {
  // XEP-0085 has no recording; it is composing with a hint that others may overlook.
  const name = state === 'recording' ? 'composing' : state;
  const recording = state === 'recording' ? element('recording', PROTOCOL_NS) : undefined;
  return element(
    'message',
    CLIENT_NS,
    { to, type: 'chat' },
    element(name, CHAT_STATES_NS),
    recording,
    recording === undefined ? undefined : element('no-store', HINTS_NS),
  );
}

/** A request to the server or to somebody's account. */
export function request(type: 'get' | 'set', id: string, payload: Element, to?: string): Element {
  return element('iq', CLIENT_NS, { type, id, to }, payload);
}

/** Says to a request that this client does not answer such ones. */
export function refusal(id: string, to: string | undefined): Element {
  return element(
    'iq',
    CLIENT_NS,
    { type: 'error', id, to },
    element(
      'error',
      CLIENT_NS,
      { type: 'cancel' },
      element('service-unavailable', 'urn:ietf:params:xml:ns:xmpp-stanzas'),
    ),
  );
}
