// What a handler is. A handler is one module with one export, `handler`: it says which requests it
// answers and answers them. It keeps no state of its own, so that it can be replaced at any moment.

import type { Element } from '../base/xml.js';
import type { Effect } from '../services/effects.js';
import type { Services } from '../services/services.js';
import type { Settings } from '../services/settings.js';
import type { SubscriptionRequest } from '../services/subscriptions.js';

/** Whom a request is for: the server, the sender's own account, or another account. */
export type IqTarget = 'server' | 'account' | 'other';

/** An IQ of type get or set from a user who has logged in. */
export interface IqCall {
  readonly user: string;
  readonly session: bigint;
  /** The sender's bare address. */
  readonly own: string;
  /** The sender's full address. */
  readonly from: string;
  readonly type: 'get' | 'set';
  readonly target: IqTarget;
  /** Name of the account that the request is for; empty for the server. */
  readonly targetUser: string;
  /** Whether that account has an available device. */
  readonly targetOnline: boolean;
  /** The one child of the IQ. */
  readonly payload: Element;
}

/** A request to make an account, before login. */
export interface RegisterCall {
  readonly type: 'get' | 'set';
  /** Address of the connection's other end. */
  readonly address: string;
  readonly payload: Element;
}

/** A session has become available. */
export interface AvailableCall {
  readonly user: string;
  readonly session: bigint;
}

/** What a handler works with. */
export interface HandlerContext {
  readonly services: Services;
  /** Features that the handlers offer, for service discovery. */
  readonly features: HandlerFeatures;
  /** Hands something to the engine before the answer. */
  before(...effects: Effect[]): void;
  /** Hands something to the engine after the answer. */
  after(...effects: Effect[]): void;
}

/** Namespaces to announce: of the server, and of each account. */
export interface HandlerFeatures {
  readonly server: readonly string[];
  readonly account: readonly string[];
}

/** Which IQ payloads a handler answers. */
export interface IqRoute {
  readonly namespace: string;
  readonly element: string;
  readonly targets: readonly IqTarget[];
}

/** An answer: the payload of the result, or nothing for an empty result. */
export type Answer = Element | undefined | Promise<Element | undefined>;

/** What a self-test works with: two accounts, `ann` and `bob`, in a store that is thrown away. */
export interface SelfTestBench {
  readonly services: Services;
  /** Sends a payload as `ann` and gives the whole answer and the effects. */
  iq(
    type: 'get' | 'set',
    payload: string,
    options?: { to?: string; online?: boolean },
  ): Promise<{ answer: Element; effects: Effect[] }>;
  /** Sends a payload before login. */
  register(type: 'get' | 'set', payload: string): Promise<{ answer: Element; effects: Effect[] }>;
  /** Sends a subscription stanza. */
  subscription(request: SubscriptionRequest): Promise<Effect[]>;
  /** Says that a session of `user` has become available. */
  available(user: string): Promise<Effect[]>;
}

/** One module of the table. Throw a StanzaError to refuse; anything else thrown is a bug. */
export interface Handler {
  readonly name: string;
  readonly iq?: readonly IqRoute[];
  features?(settings: Settings): Partial<HandlerFeatures>;
  handleIq?(call: IqCall, context: HandlerContext): Answer;
  handleRegister?(call: RegisterCall, context: HandlerContext): Answer;
  handleSubscription?(request: SubscriptionRequest, context: HandlerContext): Promise<void>;
  handleAvailable?(call: AvailableCall, context: HandlerContext): Promise<void>;
  /** Throws when this version of the handler must not take over. */
  selfTest(bench: SelfTestBench): Promise<void>;
}
