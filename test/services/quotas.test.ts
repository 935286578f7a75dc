// Allowances: a few at once, then evenly; and what is over is forgotten.

import assert from 'node:assert/strict';
import { perHour, type Quota, Quotas } from '../../src/services/quotas.js';
import { TestServices } from '../helpers.js';

const MINUTE = 60_000;

describe('quotas', () => {
  let test: TestServices;
  let quotas: Quotas;
  const quota: Quota = { kind: 'k', subject: 'ann', rate: perHour(6) };
  const start = 1_000_000_000_000;

  beforeEach(() => {
    test = new TestServices();
    quotas = new Quotas(test.services.store);
  });
  afterEach(() => test.close());

  const take = async (at: number, of = quota) =>
    await test.services.store.transaction(() => quotas.take(of, at));

  it('gives the whole allowance at once, then one after the other', async () => {
    for (let count = 0; count < 6; count++) {
      assert.equal(quotas.waitMs(quota, start), 0);
      await take(start);
    }
    assert.equal(quotas.waitMs(quota, start), 10 * MINUTE);
    assert.equal(quotas.waitMs(quota, start + 9 * MINUTE), MINUTE);
    assert.equal(quotas.waitMs(quota, start + 10 * MINUTE), 0);
    await take(start + 10 * MINUTE);
    assert.equal(quotas.waitMs(quota, start + 10 * MINUTE), 10 * MINUTE);
    assert.equal(quotas.waitMs(quota, start + 100 * MINUTE), 0);
    assert.equal(quotas.waitMs({ ...quota, subject: 'bob' }, start), 0);
    assert.equal(quotas.waitMs({ ...quota, kind: 'other' }, start), 0);
  });

  it('forgets who has their whole allowance again, a step at a time', async () => {
    await test.services.store.transaction(() => {
      for (let count = 0; count < 2500; count++) {
        quotas.take({ ...quota, subject: `s${count}` }, start);
      }
      quotas.take({ ...quota, subject: 'later' }, start + 30 * MINUTE);
    });
    const sweep = async () =>
      await test.services.store.transaction(() => quotas.sweep(start + 20 * MINUTE));
    const counts = [await sweep(), await sweep(), await sweep(), await sweep()];
    assert.equal(
      counts.slice(0, 3).reduce((sum, count) => sum + count),
      2500,
    );
    assert.deepEqual(counts.slice(3), [0]);
    assert.ok(quotas.waitMs({ ...quota, subject: 'later', rate: perHour(1) }, start) > 0);
  });
});
