// One play in a process of its own, because there is one engine per process and most plays end the
// process in some way. The test gives the play's name; what is printed is what the test looks at.
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { decodeEvents, type EngineEvent } from '../../../src/engine/boundary.gen.js';
import { Engine } from '../../../src/engine/engine.js';
import { loadNative } from '../../../src/engine/native.js';
import { attempt, configRecord, exampleConfig, ignore, removeRecord } from './parts.js';

const workerFile = new URL('worker.mjs', import.meta.url);

/** Starts an engine and waits for its first event. */
async function started(onEvents: (events: EngineEvent[]) => void = ignore): Promise<Engine> {
  let engine: Engine | undefined;
  await new Promise<void>((resolve) => {
    engine = Engine.start(exampleConfig(), (events) => {
      onEvents(events);
      if (events.some(({ kind }) => kind === 'Started')) resolve();
    });
  });
  if (engine === undefined) throw new Error('Engine.start returned nothing');
  return engine;
}

/** Runs a part in a worker and waits for its end. */
async function worker(part: string): Promise<void> {
  const thread = new Worker(workerFile, { workerData: part });
  await new Promise((resolve, reject) => {
    thread.once('exit', resolve);
    thread.once('error', reject);
  });
}

const plays: Record<string, () => Promise<void> | void> = {
  async 'start and stop'() {
    const engine = await started((events) => {
      for (const { kind } of events) if (kind === 'Started') console.log(kind);
    });
    console.log(typeof engine.stats().commandQueue.depth);
    engine.stop();
    engine.stop();
    console.log('stopped');
  },

  misuse() {
    // Each of these is wrong on purpose, and so are the types.
    const native = loadNative() as unknown as Record<string, (value?: unknown) => unknown>;
    attempt('submit early', () => native.submit?.(removeRecord('ann')));
    attempt('stats early', () => native.stats?.());
    attempt('drain early', () => native.drain?.());
    attempt('stop early', () => native.stop?.());
    attempt('start nothing', () => native.start?.());
    attempt('start text', () => native.start?.('text'));
    attempt('start garbage', () => native.start?.(Buffer.alloc(64)));
    attempt('start', () => native.start?.(configRecord()));
    attempt('start twice', () => native.start?.(configRecord()));
    attempt('onBatch number', () => native.onBatch?.(1));
    attempt('submit floats', () => native.submit?.(new Float64Array(8)));
    attempt('submit nothing', () => native.submit?.(new Uint8Array(0)));
    const good = removeRecord('ann');
    attempt('submit half', () => native.submit?.(Buffer.concat([good, good.subarray(0, 10)])));
    const unknown = Buffer.from(good);
    unknown.writeUInt16LE(999, 4);
    attempt('submit unknown', () => native.submit?.(Buffer.concat([good, unknown])));
    attempt('stop', () => native.stop?.());
    attempt('submit late', () => native.submit?.(good));
  },

  async 'start again'() {
    for (let round = 0; round < 3; round += 1) {
      const engine = await started();
      engine.stop();
    }
    console.log('three rounds');
  },

  async drain() {
    const times: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const engine = await started();
      // At once, when the shards are about to sleep, and later, when they are asleep.
      await sleep(round * 50);
      const before = Date.now();
      const complete = await engine.drain(10);
      engine.stop();
      times.push(complete ? Date.now() - before : Number.POSITIVE_INFINITY);
    }
    // The longest sleep of a shard is a second; on a busy machine one round in four may be late.
    console.log(`at once: ${Math.min(...times) < 500 && Math.max(...times) < 5000}`);
  },

  async 'stale handles'() {
    const engine = await started();
    for (const connection of [0n, 1n, 2n ** 64n - 1n]) {
      engine.send({ kind: 'SendToConnection', connection, stanza: '<iq/>' });
      engine.send({ kind: 'AuthReply', connection, accepted: 1, user: 'ann' });
      engine.send({ kind: 'MarkInterested', user: 'nobody', session: connection });
    }
    await sleep(100);
    console.log(`waiting: ${engine.stats().commandQueue.depth}`);
    engine.stop();
  },

  async 'batch is detached'() {
    const native = loadNative();
    const kept: Uint8Array[] = [];
    const lengths: number[] = [];
    await new Promise<void>((resolve) => {
      native.start(configRecord());
      native.onBatch((batch) => {
        lengths.push(batch.byteLength);
        kept.push(batch);
        resolve();
      });
    });
    await sleep(10);
    console.log(`inside: ${lengths.every((length) => length >= 8)}`);
    console.log(`outside: ${kept.every((batch) => batch.byteLength === 0)}`);
    native.stop();
  },

  async 'callback throws'() {
    const native = loadNative();
    process.on('uncaughtException', (error) => console.log(`uncaught: ${error.message}`));
    const kinds: string[] = [];
    let first = true;
    native.start(configRecord());
    native.onBatch((batch) => {
      kinds.push(...decodeEvents(batch).map(({ kind }) => kind));
      if (!first) return;
      first = false;
      throw new Error('thrown in the callback');
    });
    await sleep(50);
    native.drain();
    for (let tries = 0; !kinds.includes('Drained') && tries < 500; tries += 1) await sleep(10);
    console.log(`later events: ${kinds.includes('Drained')}`);
    native.stop();
  },

  async 'stop in the callback'() {
    const native = loadNative();
    native.start(configRecord());
    await new Promise<void>((resolve) => {
      native.onBatch(() => {
        attempt('stop inside', () => native.stop());
        resolve();
      });
    });
    attempt('stop outside', () => native.stop());
  },

  async 'garbage collection'() {
    const collect = (globalThis as { gc?: () => void }).gc;
    if (collect === undefined) throw new Error('run with --expose-gc');
    let engine: Engine | undefined = await started();
    for (let round = 0; round < 50; round += 1) {
      engine.send({ kind: 'PutBlockList', user: `user${round}`, addresses: 'x'.repeat(10_000) });
      collect();
      await sleep(1);
      collect();
    }
    engine.stop();
    engine = undefined;
    collect();
    await sleep(10);
    console.log('collected');
  },

  async worker() {
    const engine = await started();
    await worker('misuse');
    engine.send({ kind: 'RemoveAccount', user: 'ann' });
    await sleep(50);
    console.log(`after the worker: ${engine.stats().commandQueue.depth}`);
    engine.stop();
  },

  async 'stop while workers submit'() {
    const engine = await started();
    const workers = [worker('submit until stopped'), worker('submit until stopped')];
    await sleep(1500);
    engine.stop();
    await Promise.all(workers);
    console.log('stopped');
  },

  async 'exit while workers submit'() {
    await started();
    worker('submit for ever');
    worker('submit for ever');
    await sleep(1500);
    process.exit(7);
  },

  async 'exit while running'() {
    await started();
    process.exit(7);
  },

  'exit during load'() {
    loadNative();
    process.exit(7);
  },

  'exit during start'() {
    loadNative().start(configRecord());
    process.exit(7);
  },

  async 'terminated worker'() {
    const engine = await started();
    const thread = new Worker(workerFile, { workerData: 'submit for ever' });
    await sleep(1500);
    await thread.terminate();
    engine.send({ kind: 'RemoveAccount', user: 'ann' });
    await sleep(50);
    console.log(`after the worker: ${typeof engine.stats()}`);
    engine.stop();
  },

  async 'the loop is not starved'() {
    const engine = await started();
    const record = removeRecord('nobody');
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
      for (let index = 0; index < 200; index += 1) loadNative().submit(record);
    }, 1);
    await sleep(500);
    clearInterval(timer);
    console.log(`turns: ${turns > 50}`);
    engine.stop();
  },
};

const play = plays[process.argv[2] ?? ''];
if (play === undefined) throw new Error(`no play ${process.argv[2]}`);
await play();
