// Start in order, stop in reverse, also when a step fails.

import assert from 'node:assert/strict';
import { createLogger } from '../../src/base/log.js';
import { type Step, Steps } from '../../src/boot/steps.js';

describe('steps', () => {
  let happened: string[];
  const log = createLogger({ level: 'fatal', format: 'json' });

  beforeEach(() => {
    happened = [];
  });

  function step(name: string, failing = ''): Step {
    const run = async (what: string): Promise<void> => {
      happened.push(`${what} ${name}`);
      if (failing === what) throw new Error(`${name} cannot ${what}`);
    };
    return { name, start: () => run('start'), stop: () => run('stop') };
  }

  it('stops in reverse order, once', async () => {
    const steps = new Steps([step('a'), step('b'), step('c')], log);
    await steps.start();
    await steps.stop();
    await steps.stop();
    assert.deepEqual(happened, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  it('stops what had started when one fails, and passes its error on', async () => {
    const steps = new Steps([step('a'), step('b', 'start'), step('c')], log);
    await assert.rejects(steps.start(), /b cannot start/u);
    assert.deepEqual(happened, ['start a', 'start b', 'stop a']);
  });

  it('goes on stopping when one cannot', async () => {
    const steps = new Steps([step('a'), step('b', 'stop')], log);
    await steps.start();
    await steps.stop();
    assert.deepEqual(happened.slice(2), ['stop b', 'stop a']);
  });
});
