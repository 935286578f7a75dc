// Contact discovery: what it answers, to whom, and how often.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Element } from '../../src/base/xml.js';
import { DiscoveryBudget, FREE_BATCHES } from '../../src/services/discovery-budget.js';
import { condition, Harness } from './harness.js';

const NS = 'urn:rookery:discovery:1';
const SERVER = { to: 'example.org' };
const EVE = '12015550101';
const FAY = '12015550102';
const DAY = 86_400_000;

describe('contact discovery', () => {
  let harness: Harness;
  let salt: Buffer;
  beforeEach(async () => {
    harness = new Harness({ limits: { discoveryNumbersPerDay: 600 } });
    await harness.start('ann', EVE, FAY);
    await harness.services.store.transaction(() => {
      for (const user of [EVE, FAY]) harness.services.numbers.add(user);
    });
    const named = await harness.iq('ann', 'get', `<discovery xmlns='${NS}'/>`, SERVER);
    const attrs: Record<string, unknown> = named.getChild('discovery', NS)?.attrs ?? {};
    assert.equal(attrs['hash-bytes'], '10');
    assert.equal(attrs['max-numbers'], '500');
    salt = Buffer.from(String(attrs.salt), 'base64');
    assert.equal(salt.length, 16);
  });
  afterEach(() => harness.close());

  const hash = (number: string) =>
    createHash('sha256').update(salt).update(number).digest().subarray(0, 10);
  const ask = (user: string, numbers: readonly string[]) => {
    const text = Buffer.concat(numbers.map(hash)).toString('base64');
    return harness.iq(user, 'get', `<find xmlns='${NS}'>${text}</find>`, SERVER);
  };
  const found = (answer: Element) =>
    answer
      .getChild('found', NS)
      ?.getChildren('user')
      .map(({ attrs }) => String(attrs.jid));
  const many = (count: number) => Array.from({ length: count }, (_, index) => `+4917${index}`);

  it('names the addresses of registered numbers, and nothing of the others', async () => {
    const answer = await ask('ann', [`+${EVE}`, '+12015550199', `+${FAY}`, `+${FAY}`, '+ann']);
    assert.deepEqual(found(answer), [`${EVE}@example.org`, `${FAY}@example.org`]);
    assert.deepEqual(found(await ask('ann', ['+12015550199'])), []);
  });

  it('knows accounts by number only when they were registered so, and while they are', async () => {
    await harness.services.accounts.addExternal('12015550103');
    assert.deepEqual(found(await ask('ann', ['+12015550103'])), []);
    await harness.iq(EVE, 'set', "<query xmlns='jabber:iq:register'><remove/></query>");
    assert.deepEqual(found(await ask('ann', [`+${EVE}`])), []);
  });

  it('does not show those who have blocked the asker', async () => {
    await harness.services.store.transaction(() => {
      harness.services.blocks.save(EVE, ['ann@example.org']);
    });
    assert.deepEqual(found(await ask('ann', [`+${EVE}`, `+${FAY}`])), [`${FAY}@example.org`]);
    assert.deepEqual(found(await ask(FAY, [`+${EVE}`])), [`${EVE}@example.org`]);
  });

  it('refuses what is no batch', async () => {
    for (const text of ['', 'AAAA', '!!!!', ' ']) {
      const answer = await harness.iq('ann', 'get', `<find xmlns='${NS}'>${text}</find>`, SERVER);
      assert.equal(condition(answer), 'bad-request', text);
    }
    assert.equal(condition(await ask('ann', many(501))), 'not-acceptable');
    const set = await harness.iq('ann', 'set', `<discovery xmlns='${NS}'/>`, SERVER);
    assert.equal(condition(set), 'not-allowed');
  });

  it('says when to try again once a day’s numbers are used up', async () => {
    assert.equal(condition(await ask('ann', many(500))), '');
    const refused = await ask('ann', many(101));
    assert.equal(condition(refused), 'resource-constraint');
    const error = refused.getChild('error');
    assert.equal(error?.attrs.type, 'wait');
    const after = Number(error?.getChild('retry', NS)?.attrs.after);
    // One more number than there is left: its share of a day.
    assert.ok(after > 100 && after <= 144, String(after));
    assert.equal(condition(await ask('ann', many(100))), '');
    assert.equal(condition(await ask(FAY, many(500))), '');
  });

  it('pauses after many batches, and says for how long', async () => {
    for (let batch = 0; batch < FREE_BATCHES; batch++) {
      assert.equal(condition(await ask('ann', [`+${EVE}`])), '', String(batch));
    }
    const refused = await ask('ann', [`+${EVE}`]);
    assert.equal(condition(refused), 'policy-violation');
    assert.equal(refused.getChild('error')?.attrs.type, 'wait');
    const after = Number(refused.getChild('error')?.getChild('retry', NS)?.attrs.after);
    assert.ok(after >= 1 && after <= 10, String(after));
  });

  it('doubles the pause, up to a quarter of a day, and forgets it after a day', async () => {
    const { store } = harness.services;
    const budget = new DiscoveryBudget(store, 5000);
    const pauses: number[] = [];
    let now = 1_000_000_000_000;
    const begun = now;
    await store.transaction(() => {
      while (pauses.length < 8) {
        const refusal = budget.admit('dan', 1, now);
        if (refusal === undefined) continue;
        assert.equal(refusal.why, 'pause');
        pauses.push(refusal.waitMs / 1000);
        assert.ok(budget.admit('dan', 1, now + refusal.waitMs - 1) !== undefined);
        now += refusal.waitMs;
      }
      assert.deepEqual(pauses, [10, 20, 40, 80, 160, 320, 640, 1280]);
      let longest = 0;
      for (;;) {
        const refusal = budget.admit('dan', 1, now);
        if (now - begun >= DAY) break;
        if (refusal !== undefined) longest = Math.max(longest, refusal.waitMs);
        now += refusal?.waitMs ?? 0;
      }
      assert.equal(longest, DAY / 4);
      for (let batch = 1; batch < FREE_BATCHES; batch++) {
        assert.equal(budget.admit('dan', 1, now), undefined, String(batch));
      }
    });
  });
});
