// Stanza errors (RFC 6120 §8.3), as handlers throw them and as they are written.

import { type Element, xml } from './xml.js';

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

const types = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'remote-server-not-found': 'cancel',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'unexpected-request': 'wait',
} as const;

export type StanzaCondition = keyof typeof types;

/** An answer that says no. Throwing it is the ordinary way to refuse a request. */
export class StanzaError extends Error {
  override readonly name = 'StanzaError';

  constructor(
    readonly condition: StanzaCondition,
    /** For people; may be empty. */
    readonly text = '',
    /** An element of the application, beside the condition. */
    readonly extra?: Element,
    /** Another type than the condition usually has. */
    readonly type?: 'wait',
  ) {
    super(text === '' ? condition : `${condition}: ${text}`);
  }

  /**
   * Whether something thrown is one. By its look, not its class: handlers may come from another
   * folder, with a copy of this module of their own.
   */
  static is(thrown: unknown): thrown is StanzaError {
    return thrown instanceof Error && thrown.name === 'StanzaError' && 'condition' in thrown;
  }

  /** The `<error/>` element. */
  toElement(): Element {
    return xml(
      'error',
      { type: this.type ?? types[this.condition] },
      xml(this.condition, { xmlns: STANZAS }),
      this.text === '' ? undefined : xml('text', { xmlns: STANZAS, 'xml:lang': 'en' }, this.text),
      this.extra,
    );
  }
}
