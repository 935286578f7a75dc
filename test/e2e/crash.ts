// Many rounds of kill -9 under load, and of damage to the store's file:
//   npm run crash -- --rounds 50 --seed 1 --senders 20 --recipients 20 --compact 0.33
// Every round reports its seed; `--rounds 1 --seed THAT` repeats its choices.

import { parseArgs } from 'node:util';
import { CrashRun, damageFaultsOf, faultsOf } from './support/crash-run.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    senders: { type: 'string', default: '20' },
    recipients: { type: 'string', default: '20' },
    damages: { type: 'string', default: '10' },
    // The share of devices of the compact protocol among senders and recipients.
    compact: { type: 'string', default: String(1 / 3) },
  },
});
const seed = Number(values.seed);
const run = await CrashRun.start(
  Number(values.senders),
  Number(values.recipients),
  Number(values.compact),
);
const totals = { acknowledged: 0, twiceBecauseSentAgain: 0, resumed: 0, begunAnew: 0, slowest: 0 };
const directions: Record<string, number> = {};
let faulty = 0;
try {
  for (let number = 0; number < Number(values.rounds); number += 1) {
    const report = await run.round(seed + number);
    const faults = faultsOf(report);
    const { acknowledged, twiceBecauseSentAgain, sent } = report.judgement;
    totals.acknowledged += acknowledged;
    for (const [direction, count] of Object.entries(report.judgement.directions)) {
      directions[direction] = (directions[direction] ?? 0) + count;
    }
    totals.twiceBecauseSentAgain += twiceBecauseSentAgain;
    totals.resumed += report.resumed;
    totals.begunAnew += report.begunAnew;
    totals.slowest = Math.max(totals.slowest, report.readyMs);
    if (faults.length > 0 || report.readyCpuSeconds > 3) faulty += 1;
    console.log(
      `seed ${report.seed}: ready in ${report.readyMs} ms (CPU ${report.readyCpuSeconds} s), ` +
        `${report.resumed} resumed, ${report.begunAnew} anew, ${sent} sent, ` +
        `${acknowledged} acknowledged, ${twiceBecauseSentAgain} twice because sent again; ` +
        (faults.length === 0 ? 'well' : `FAULTS ${faults.join('; ')}`),
    );
  }
  for (let number = 0; number < Number(values.damages); number += 1) {
    const kind = number % 2 === 0 ? 'truncated' : 'flipped';
    const report = await run.damage(seed + number, kind);
    const faults = damageFaultsOf(report);
    const { lost, foreign } = report.judgement;
    if (faults.length > 0) faulty += 1;
    console.log(
      `seed ${report.seed}, ${kind}: ready in ${report.readyMs} ms, ` +
        `${report.acknowledged} acknowledged, ${lost.length} gone with the damage, ` +
        `${report.badRecords} bad records reported, ` +
        `${foreign.length} that had been settled came back; ` +
        (faults.length === 0 ? 'well' : `FAULTS ${faults.join('; ')}`),
    );
  }
} finally {
  await run.server.remove();
}
console.log(JSON.stringify({ rounds: Number(values.rounds), faulty, ...totals, directions }));
process.exitCode = faulty === 0 ? 0 : 1;
