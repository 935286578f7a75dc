// The subscription state machine of RFC 6121, Appendix A: nine states, as flags, and what each
// stanza does to them on the side that sends it and on the side that gets it. Pure.

/** What one user's server knows of the subscriptions between the user and one contact. */
export interface SubscriptionState {
  /** The user gets the contact's presence. */
  readonly to: boolean;
  /** The contact gets the user's presence. */
  readonly from: boolean;
  /** The user has asked and waits ("ask"). */
  readonly pendingOut: boolean;
  /** The contact has asked and waits. */
  readonly pendingIn: boolean;
  /** The user has said yes before the contact has asked (§3.4). */
  readonly approved: boolean;
}

export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

export const NO_SUBSCRIPTION: SubscriptionState = {
  to: false,
  from: false,
  pendingOut: false,
  pendingIn: false,
  approved: false,
};

/** The result of a stanza: the next state, and whether the stanza goes on. */
export interface Transition {
  readonly next: SubscriptionState;
  /** Outbound: route it to the contact. Inbound: deliver it to the user. */
  readonly pass: boolean;
  /** Inbound `subscribe` only: the server answers `subscribed` in the user's name. */
  readonly autoReply: boolean;
}

function result(next: SubscriptionState, pass: boolean, autoReply = false): Transition {
  return { next, pass, autoReply };
}

/** A.2: the user sends a stanza. */
export function outbound(state: SubscriptionState, type: SubscriptionType): Transition {
  switch (type) {
    case 'subscribe':
      return result({ ...state, pendingOut: !state.to }, true);
    case 'unsubscribe':
      return result({ ...state, to: false, pendingOut: false }, true);
    case 'subscribed':
      if (state.pendingIn) return result({ ...state, from: true, pendingIn: false }, true);
      return result({ ...state, approved: state.approved || !state.from }, false);
    case 'unsubscribed':
      return result(
        { ...state, from: false, pendingIn: false, approved: false },
        state.from || state.pendingIn,
      );
  }
}

/** A.3: a stanza arrives for the user. */
export function inbound(state: SubscriptionState, type: SubscriptionType): Transition {
  switch (type) {
    case 'subscribe':
      if (state.from) return result(state, false, true);
      if (state.approved) {
        return result({ ...state, from: true, pendingIn: false, approved: false }, false, true);
      }
      return result({ ...state, pendingIn: true }, !state.pendingIn);
    case 'unsubscribe':
      return result({ ...state, from: false, pendingIn: false }, state.from || state.pendingIn);
    case 'subscribed':
      if (!state.pendingOut) return result(state, false);
      return result({ ...state, to: true, pendingOut: false }, true);
    case 'unsubscribed':
      return result({ ...state, to: false, pendingOut: false }, state.to || state.pendingOut);
  }
}

/** The `subscription` attribute of a roster item. */
export function subscriptionName({ to, from }: SubscriptionState): 'none' | 'to' | 'from' | 'both' {
  if (to) return from ? 'both' : 'to';
  return from ? 'from' : 'none';
}
