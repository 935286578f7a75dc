// From what perf prints to the stacks of a flame graph.

import assert from 'node:assert/strict';
import { frameOf, readStacks, scriptName } from '../../scripts/lib/flame-graph.mjs';

const PERF = `shard-0  1234:
\t    7f00000000a0 rookery::Shard::turn(long)+0x12 (/x/build-cmake/rookery.node)
\t    7f00000000b0 rookery::Engine::run_shard(unsigned int) (/x/build-cmake/rookery.node)

node  1200:
\tffffffff81000000 do_syscall_64+0x40 ([kernel.kallsyms])
\t    7f0000000010 JS:*take file:///home/a/dist/operations/sampler.js:80:7 (/tmp/perf-1200.map)
\t    7f0000000020 Builtin:InterpreterEntryTrampoline (/tmp/perf-1200.map)
\t          9a0b1c node::Start(int, char**) (/usr/bin/node)

shard-0  1234:
\t    7f00000000b0 rookery::Engine::run_shard(unsigned int) (/x/build-cmake/rookery.node)
`;

async function* lines(text: string): AsyncGenerator<string> {
  yield* text.split('\n');
}

describe('flame graph', () => {
  it('adds stacks up by thread, outermost first', async () => {
    const tree = await readStacks(lines(PERF));
    assert.equal(tree.samples, 3);
    const [, , total, threads] = tree.toJson(0);
    assert.equal(total, 3);
    assert.deepEqual(threads, [
      [
        'shard-0',
        'thread',
        2,
        [
          [
            'rookery::Engine::run_shard(unsigned int)',
            'engine',
            2,
            [['rookery::Shard::turn(long)', 'engine', 1, []]],
          ],
        ],
      ],
      [
        'node',
        'thread',
        1,
        [
          [
            'node::Start(int, char**)',
            'node',
            1,
            [
              [
                'InterpreterEntryTrampoline',
                'node',
                1,
                [
                  [
                    'take dist/operations/sampler.js:80:7',
                    'script',
                    1,
                    [['do_syscall_64', 'kernel', 1, []]],
                  ],
                ],
              ],
            ],
          ],
        ],
      ],
    ]);
  });

  it('keeps to the threads that are asked for', async () => {
    const tree = await readStacks(lines(PERF), /^shard/u);
    assert.equal(tree.samples, 2);
  });

  it('names functions of JavaScript, and says when there is no name', () => {
    assert.equal(
      scriptName('LazyCompile:~look file:///a/b/c/d.js:1:2'),
      'look b/c/d.js:1:2 (interpreted)',
    );
    assert.equal(scriptName('JS:* file:///a/b/c/d.js:1:2'), '(anonymous) b/c/d.js:1:2');
    assert.equal(scriptName('rookery::Shard::turn'), undefined);
    assert.deepEqual(frameOf('[unknown]', '/usr/lib/libc.so.6'), {
      name: '[libc.so.6]',
      kind: 'other',
    });
  });
});
