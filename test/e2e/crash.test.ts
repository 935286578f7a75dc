// The server is killed (kill -9) under load and started again: whatever was acknowledged to its
// sender arrives once, in order, also from and to devices of the compact protocol. A few rounds;
// `npm run crash -- --rounds 50` makes more.

import assert from 'node:assert/strict';
import { CrashRun, damageFaultsOf, faultsOf } from './support/crash-run.js';

const READY_CPU_SECONDS = 3;
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

describe(`kill -9 under load, seed ${seed}`, function () {
  this.timeout(60_000);
  let run: CrashRun;

  before(async () => {
    run = await CrashRun.start(12, 12, 1 / 3);
  });
  after(() => run.server.remove());

  for (const number of [0, 1, 2, 3]) {
    it(`round ${number}: everything acknowledged arrives once, in order`, async () => {
      const report = await run.round(seed + number);
      assert.deepEqual(faultsOf(report), []);
      assert.ok(report.judgement.acknowledged > 50, `${report.judgement.acknowledged} messages`);
      assert.equal(Object.keys(report.judgement.directions).length, 4, 'XMPP and compact, mixed');
      const { readyCpuSeconds } = report;
      assert.ok(readyCpuSeconds < READY_CPU_SECONDS, `ready after ${readyCpuSeconds} s of CPU`);
    });
  }

  for (const kind of ['truncated', 'flipped'] as const) {
    it(`a store's file that was ${kind}: bad records are told, all others arrive`, async () => {
      const report = await run.damage(seed, kind);
      assert.deepEqual(damageFaultsOf(report), []);
      assert.ok(report.acknowledged > 50, `${report.acknowledged} messages`);
      assert.ok(report.judgement.received > 0);
    });
  }
});
