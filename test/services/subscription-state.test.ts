// The tables of RFC 6121, Appendix A, row by row: state before, whether the stanza goes on, state
// after.

import assert from 'node:assert/strict';
import {
  inbound,
  NO_SUBSCRIPTION,
  outbound,
  type SubscriptionState,
  type SubscriptionType,
} from '../../src/services/subscription-state.js';

const states: Record<string, Partial<SubscriptionState>> = {
  None: {},
  'None+Out': { pendingOut: true },
  'None+In': { pendingIn: true },
  'None+Out+In': { pendingOut: true, pendingIn: true },
  To: { to: true },
  'To+In': { to: true, pendingIn: true },
  From: { from: true },
  'From+Out': { from: true, pendingOut: true },
  Both: { to: true, from: true },
};

type Row = readonly [before: string, goesOn: boolean, after: string];

const outboundTables: Record<SubscriptionType, Row[]> = {
  subscribe: [
    ['None', true, 'None+Out'],
    ['None+Out', true, 'None+Out'],
    ['None+In', true, 'None+Out+In'],
    ['None+Out+In', true, 'None+Out+In'],
    ['To', true, 'To'],
    ['To+In', true, 'To+In'],
    ['From', true, 'From+Out'],
    ['From+Out', true, 'From+Out'],
    ['Both', true, 'Both'],
  ],
  unsubscribe: [
    ['None', true, 'None'],
    ['None+Out', true, 'None'],
    ['None+In', true, 'None+In'],
    ['None+Out+In', true, 'None+In'],
    ['To', true, 'None'],
    ['To+In', true, 'None+In'],
    ['From', true, 'From'],
    ['From+Out', true, 'From'],
    ['Both', true, 'From'],
  ],
  subscribed: [
    ['None', false, 'None+approved'],
    ['None+Out', false, 'None+Out+approved'],
    ['None+In', true, 'From'],
    ['None+Out+In', true, 'From+Out'],
    ['To', false, 'To+approved'],
    ['To+In', true, 'Both'],
    ['From', false, 'From'],
    ['From+Out', false, 'From+Out'],
    ['Both', false, 'Both'],
  ],
  unsubscribed: [
    ['None', false, 'None'],
    ['None+Out', false, 'None+Out'],
    ['None+In', true, 'None'],
    ['None+Out+In', true, 'None+Out'],
    ['To', false, 'To'],
    ['To+In', true, 'To'],
    ['From', true, 'None'],
    ['From+Out', true, 'None+Out'],
    ['Both', true, 'To'],
  ],
};

const inboundTables: Record<SubscriptionType, Row[]> = {
  subscribe: [
    ['None', true, 'None+In'],
    ['None+Out', true, 'None+Out+In'],
    ['None+In', false, 'None+In'],
    ['None+Out+In', false, 'None+Out+In'],
    ['To', true, 'To+In'],
    ['To+In', false, 'To+In'],
    ['From', false, 'From'],
    ['From+Out', false, 'From+Out'],
    ['Both', false, 'Both'],
  ],
  unsubscribe: [
    ['None', false, 'None'],
    ['None+Out', false, 'None+Out'],
    ['None+In', true, 'None'],
    ['None+Out+In', true, 'None+Out'],
    ['To', false, 'To'],
    ['To+In', true, 'To'],
    ['From', true, 'None'],
    ['From+Out', true, 'None+Out'],
    ['Both', true, 'To'],
  ],
  subscribed: [
    ['None', false, 'None'],
    ['None+Out', true, 'To'],
    ['None+In', false, 'None+In'],
    ['None+Out+In', true, 'To+In'],
    ['To', false, 'To'],
    ['To+In', false, 'To+In'],
    ['From', false, 'From'],
    ['From+Out', true, 'Both'],
    ['Both', false, 'Both'],
  ],
  unsubscribed: [
    ['None', false, 'None'],
    ['None+Out', true, 'None'],
    ['None+In', false, 'None+In'],
    ['None+Out+In', true, 'None+In'],
    ['To', true, 'None'],
    ['To+In', true, 'None+In'],
    ['From', false, 'From'],
    ['From+Out', true, 'From'],
    ['Both', true, 'From'],
  ],
};

function state(name: string): SubscriptionState {
  const base = name.replace('+approved', '');
  const approved = base !== name;
  return { ...NO_SUBSCRIPTION, ...states[base], approved };
}

describe('subscription states', () => {
  for (const [direction, tables, step] of [
    ['outbound', outboundTables, outbound],
    ['inbound', inboundTables, inbound],
  ] as const) {
    for (const [type, rows] of Object.entries(tables) as [SubscriptionType, Row[]][]) {
      it(`${direction} ${type}`, () => {
        for (const [before, goesOn, after] of rows) {
          const { next, pass, autoReply } = step(state(before), type);
          assert.deepEqual(next, state(after), `${before} → ${after}`);
          assert.equal(pass, goesOn, `${before}: goes on`);
          const granted = /From|Both/u.test(before);
          assert.equal(
            autoReply,
            direction === 'inbound' && type === 'subscribe' && granted,
            before,
          );
        }
      });
    }
  }

  it('answers a request that was approved before it came', () => {
    const { next, pass, autoReply } = inbound(state('To+approved'), 'subscribe');
    assert.deepEqual(next, state('Both'));
    assert.equal(pass, false);
    assert.equal(autoReply, true);
    assert.deepEqual(outbound(state('None+approved'), 'unsubscribed').next, state('None'));
  });
});
