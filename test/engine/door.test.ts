// The door itself: misuse, worker environments, garbage collection, every way in which a process
// can end. Each test is a play of door/play.ts in a process of its own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { checkHash } from '../../src/engine/native.js';

interface Ending {
  code: number | null;
  signal: string | null;
  lines: string[];
  errors: string;
}

const playFile = fileURLToPath(new URL('door/play.ts', import.meta.url));

function run(play: string): Promise<Ending> {
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--import', 'tsx', playFile, play],
    // A play that hangs is killed, and seen as that.
    { timeout: 20_000, killSignal: 'SIGKILL' },
  );
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal, lines: output.split('\n').filter(Boolean), errors });
    });
  });
}

async function ends(play: string, code: number): Promise<string[]> {
  const ending = await run(play);
  assert.equal(ending.signal, null, `${play} ended by ${ending.signal}\n${ending.errors}`);
  assert.equal(ending.code, code, `${play}\n${ending.lines.join('\n')}\n${ending.errors}`);
  return ending.lines;
}

describe('the door between TypeScript and C++', () => {
  it('starts, tells that it has started, stops, and lets the process end', async () => {
    assert.deepEqual(await ends('start and stop', 0), ['Started', 'number', 'stopped']);
  });

  it('says what is wrong and where', async () => {
    const wrongType = 'the argument must be a Uint8Array with';
    const unknownKind = 'no command of kind 999 begins like the record';
    assert.deepEqual(await ends('misuse', 0), [
      'submit early: Error: submit: the engine is not running',
      'stats early: Error: stats: the engine is not running',
      'drain early: Error: drain: the engine is not running',
      'stop early: fine',
      `start nothing: TypeError: start: ${wrongType} an EngineConfig record`,
      `start text: TypeError: start: ${wrongType} an EngineConfig record`,
      'start garbage: RangeError: start: the bytes are no EngineConfig record',
      'start: fine',
      'start twice: Error: start: an engine runs already in this process; stop it first',
      'onBatch number: TypeError: onBatch: the argument must be a function',
      `submit floats: TypeError: submit: ${wrongType} command records`,
      'submit nothing: fine',
      'submit half: RangeError: submit: no whole record at byte 16 of 26',
      `submit unknown: RangeError: submit: ${unknownKind} at byte 16`,
      'stop: fine',
      'submit late: Error: submit: the engine is not running',
    ]);
  });

  it('starts again after a stop', async () => {
    assert.deepEqual(await ends('start again', 0), ['three rounds']);
  });

  it('drains, and waits for nobody', async () => {
    assert.deepEqual(await ends('drain', 0), ['at once: true']);
  });

  it('takes stale handles for ordinary errors', async () => {
    assert.deepEqual(await ends('stale handles', 0), ['waiting: 0']);
  });

  it('lends a batch for the callback and detaches it afterwards', async () => {
    assert.deepEqual(await ends('batch is detached', 0), ['inside: true', 'outside: true']);
  });

  it('lets an exception of the callback surface, and goes on', async () => {
    assert.deepEqual(await ends('callback throws', 0), [
      'uncaught: thrown in the callback',
      'later events: true',
    ]);
  });

  it('refuses to stop inside the callback', async () => {
    assert.deepEqual(await ends('stop in the callback', 0), [
      'stop inside: Error: stop: not inside the callback of onBatch; stop a tick later',
      'stop outside: fine',
    ]);
  });

  it('outlives garbage collection', async () => {
    assert.deepEqual(await ends('garbage collection', 0), ['collected']);
  });

  it('lets workers submit and nothing else, and outlives them', async () => {
    const rule = 'only the main thread may call this; a worker can submit and read stats';
    assert.deepEqual(await ends('worker', 0), [
      `worker start: Error: start: ${rule}`,
      `worker onBatch: Error: onBatch: ${rule}`,
      `worker drain: Error: drain: ${rule}`,
      `worker stop: Error: stop: ${rule}`,
      'worker submit: fine',
      'worker stats: fine',
      'after the worker: 0',
    ]);
  });

  it('outlives a worker that is terminated while it submits', async () => {
    assert.deepEqual(await ends('terminated worker', 0), ['after the worker: object']);
  });

  it('stops while workers submit', async () => {
    assert.deepEqual(await ends('stop while workers submit', 0), [
      'worker ended: submit: the engine is not running',
      'worker ended: submit: the engine is not running',
      'stopped',
    ]);
  });

  it('lets the process exit at any moment with its own code', async () => {
    await ends('exit during load', 7);
    await ends('exit during start', 7);
    await ends('exit while running', 7);
    await ends('exit while workers submit', 7);
  });

  it('leaves the event loop its turns', async () => {
    assert.deepEqual(await ends('the loop is not starved', 0), ['turns: true']);
  });

  it('refuses an addon with other records', () => {
    assert.throws(() => checkHash({ boundaryHash: 1n }, '/x/rookery.node'), /boundary hash 1, exp/);
  });
});
