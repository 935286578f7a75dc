// Where threads wait for each other.

import { z } from 'zod';
import { type AnyOperation, operation } from './operation.js';
import { table } from './words.js';

const contention = z
  .object({
    full: z.array(z.object({ name: z.string(), refused: z.int() })).meta({
      description: 'Queues that were found full, and how often.',
    }),
    wakeUps: z.object({ asked: z.int(), rung: z.int() }).meta({
      description:
        'How often a shard told another of records for it; how often a notification (also of ' +
        'stores and the control plane) found a shard asleep, which costs a system call.',
    }),
    locks: z.array(
      z.object({ name: z.string(), taken: z.int(), waited: z.int(), waitUs: z.int() }),
    ),
    commitWaits: z
      .object({ sendersSlowed: z.int(), batches: z.int(), waitUs: z.int(), refused: z.int() })
      .meta({ description: 'What waited for the disk.' }),
    congestedTurns: z.int().meta({
      description: 'Turns of a shard in which it read no sockets because a ring was full.',
    }),
  })
  .meta({ id: 'Contention', description: 'All since the start.' });

export const stat = operation({
  name: 'stat',
  summary: 'Say where threads have waited for each other',
  role: 'viewer',
  changes: false,
  input: z.strictObject({}),
  output: contention,
  look: {
    print({ full, wakeUps, locks, commitWaits, congestedTurns }) {
      const mean = (sum: number, count: number): string =>
        count === 0 ? '-' : `${(sum / count).toFixed(1)} µs`;
      return [
        full.length === 0
          ? 'No queue has ever been full.'
          : table(
              ['found full', 'times'],
              full.map(({ name, refused }) => [name, refused]),
            ),
        `wake-ups: shards told each other ${wakeUps.asked} times; ` +
          `${wakeUps.rung} notifications found a shard asleep`,
        `commits: ${commitWaits.batches} batches waited ` +
          `${mean(commitWaits.waitUs, commitWaits.batches)} each, ${commitWaits.refused} refused ` +
          `by the disk; senders slowed ${commitWaits.sendersSlowed} times`,
        `turns in which sockets waited because a ring was full: ${congestedTurns}`,
        table(
          ['lock', 'taken', 'waited', 'each wait'],
          locks.map((lock) => [lock.name, lock.taken, lock.waited, mean(lock.waitUs, lock.waited)]),
        ),
      ].join('\n');
    },
  },
  async run({ server }) {
    const { contention: found } = server.engine.stats();
    return {
      full: [...found.full],
      wakeUps: found.wake_ups,
      locks: found.locks.map(({ wait_us: waitUs, ...lock }) => ({ ...lock, waitUs })),
      commitWaits: {
        sendersSlowed: found.commit_waits.senders_slowed,
        batches: found.commit_waits.batches,
        waitUs: found.commit_waits.wait_us,
        refused: found.commit_waits.refused,
      },
      congestedTurns: found.congested_turns,
    };
  },
});

export const contentionOperations: readonly AnyOperation[] = [stat];
