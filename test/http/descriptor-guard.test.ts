// The guard of the descriptors, with real ones.

import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { DescriptorGuard } from '../../src/http/descriptor-guard.js';

const sleep = (milliseconds: number) => new Promise((wake) => setTimeout(wake, milliseconds));

describe('descriptor guard', () => {
  it('says when they are scarce, and when no longer', async function () {
    this.timeout(10_000);
    const changes: boolean[] = [];
    const now = readdirSync('/proc/self/fd').length;
    // So that there are enough now, and too few when many more are open.
    const guard = new DescriptorGuard((crowded) => changes.push(crowded), now * 2 + 60);
    guard.start();
    await sleep(700);
    assert.deepEqual(changes, []);
    const taken = Array.from({ length: now + 60 }, () => openSync('/dev/null', 'r'));
    await sleep(700);
    // One that is free among the first of them changes nothing.
    closeSync(taken.shift() ?? 0);
    await sleep(700);
    assert.deepEqual(changes, [true]);
    for (const descriptor of taken) closeSync(descriptor);
    await sleep(700);
    assert.deepEqual(changes, [true, false]);
    guard.tryAgain();
    await sleep(700);
    assert.deepEqual(changes, [true, false, false]);
    guard.stop();
  });
});
