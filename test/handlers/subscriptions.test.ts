// Subscriptions between two users, as RFC 6121 §3 plays them.

import assert from 'node:assert/strict';
import { Harness } from './harness.js';

const ANN = 'ann@example.org';
const BOB = 'bob@example.org';

describe('subscriptions handler', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = new Harness({ limits: { maxPendingSubscriptions: 2 } });
    await harness.start('ann', 'bob', 'cat', 'dan');
  });
  afterEach(() => harness.close());

  /** What was sent, as `user audience kind`, pushes with their item's state. */
  function script(): string[] {
    return harness.sent().map(({ user, audience, stanza }) => {
      const item = stanza.getChild('query')?.getChild('item');
      const what =
        item === undefined
          ? `${stanza.name} ${stanza.attrs.type}`
          : `push ${item.attrs.subscription}${item.attrs.ask === undefined ? '' : '+ask'}`;
      return `${user} ${audience} ${what}`;
    });
  }

  it('asks, is granted, and presence flows', async () => {
    await harness.presence('ann', 'subscribe', BOB, '<status>hello</status>');
    assert.deepEqual(script(), [
      'ann interested push none+ask',
      'bob available presence subscribe',
    ]);
    const request = harness.sent()[1]?.stanza;
    assert.equal(request?.attrs.from, ANN);
    assert.equal(request?.getChildText('status'), 'hello');
    await harness.presence('bob', 'subscribed', ANN);
    assert.deepEqual(script(), [
      'bob interested push from',
      'ann interested push to',
      'ann available presence subscribed',
    ]);
    assert.deepEqual(harness.contactFacts(), { 'bob→ann': 2, 'ann→bob': 1 });
  });

  it('keeps a request for the next login, with what it said, until it is answered', async () => {
    await harness.presence('ann', 'subscribe', BOB, '<status>hello</status>');
    for (let login = 0; login < 2; login++) {
      await harness.available('bob');
      assert.deepEqual(script(), ['bob session presence subscribe']);
      assert.equal(harness.sent()[0]?.stanza.getChildText('status'), 'hello');
    }
    await harness.presence('bob', 'unsubscribed', ANN);
    assert.deepEqual(script(), ['ann interested push none', 'ann available presence unsubscribed']);
    await harness.available('bob');
    assert.deepEqual(script(), []);
    assert.deepEqual(harness.services.rosters.listed('bob'), []);
  });

  it('delivers a repeated request once', async () => {
    await harness.presence('ann', 'subscribe', BOB);
    await harness.presence('ann', 'subscribe', BOB);
    assert.deepEqual(script(), []);
  });

  it('answers a request that was granted before', async () => {
    await harness.presence('ann', 'subscribe', BOB);
    await harness.presence('bob', 'subscribed', ANN);
    await harness.services.store.transaction(() => {
      const item = harness.services.rosters.item('ann', BOB);
      harness.services.rosters.save('ann', { ...item, to: false }, true);
    });
    await harness.presence('ann', 'subscribe', BOB);
    assert.deepEqual(script(), [
      'ann interested push none+ask',
      'ann interested push to',
      'ann available presence subscribed',
    ]);
  });

  it('grants before it is asked (§3.4)', async () => {
    await harness.presence('bob', 'subscribed', ANN);
    assert.deepEqual(script(), ['bob interested push none']);
    assert.equal(harness.services.rosters.item('bob', ANN).approved, true);
    await harness.presence('ann', 'subscribe', BOB);
    assert.deepEqual(script(), [
      'ann interested push none+ask',
      'bob interested push from',
      'ann interested push to',
      'ann available presence subscribed',
    ]);
  });

  it('ends a subscription from either side', async () => {
    await harness.presence('ann', 'subscribe', BOB);
    await harness.presence('bob', 'subscribed', ANN);
    await harness.presence('bob', 'unsubscribed', ANN);
    assert.deepEqual(script(), [
      'bob interested push none',
      'ann interested push none',
      'ann available presence unsubscribed',
    ]);
    assert.deepEqual(harness.contactFacts(), { 'bob→ann': 0, 'ann→bob': 0 });
    await harness.presence('ann', 'subscribe', BOB);
    await harness.presence('bob', 'subscribed', ANN);
    await harness.presence('ann', 'unsubscribe', BOB);
    assert.deepEqual(script(), [
      'ann interested push none',
      'bob interested push none',
      'bob available presence unsubscribe',
    ]);
    assert.deepEqual(harness.contactFacts(), { 'bob→ann': 0, 'ann→bob': 0 });
  });

  it('leaves strangers and the blocked without an answer, but tells of other domains', async () => {
    await harness.presence('ann', 'subscribe', 'nobody@example.org');
    assert.deepEqual(script(), ['ann interested push none+ask']);
    await harness.services.store.transaction(() => harness.services.blocks.save('bob', [ANN]));
    await harness.presence('ann', 'subscribe', BOB);
    assert.deepEqual(script(), ['ann interested push none+ask']);
    await harness.presence('bob', 'subscribe', ANN);
    assert.deepEqual(script(), ['bob available presence error']);
    await harness.presence('ann', 'subscribe', 'x@other.example');
    assert.deepEqual(script(), ['ann available presence error']);
    assert.deepEqual(harness.failures, []);
  });

  it('has a limit of waiting requests, and the one too many is told', async () => {
    await harness.presence('ann', 'subscribe', 'dan@example.org');
    await harness.presence('bob', 'subscribe', 'dan@example.org');
    await harness.presence('cat', 'subscribe', 'dan@example.org');
    assert.deepEqual(script(), ['cat available presence error']);
    assert.equal(harness.services.rosters.counts('dan').requests, 2);
  });
});
