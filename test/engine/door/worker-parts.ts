// What the workers of the plays do; door/worker.mjs calls it.
import { loadNative } from '../../../src/engine/native.js';
import { attempt, configRecord, ignore, removeRecord } from './parts.js';

export function runWorkerPart(part: string): void {
  const native = loadNative();
  if (part === 'misuse') {
    attempt('worker start', () => native.start(configRecord()));
    attempt('worker onBatch', () => native.onBatch(ignore));
    attempt('worker drain', () => native.drain());
    attempt('worker stop', () => native.stop());
    attempt('worker submit', () => native.submit(removeRecord('ann')));
    attempt('worker stats', () => JSON.parse(native.stats()));
  } else if (part === 'submit for ever') {
    const record = removeRecord('nobody');
    for (;;) native.submit(record);
  } else if (part === 'submit until stopped') {
    const record = removeRecord('nobody');
    try {
      for (;;) native.submit(record);
    } catch (error) {
      console.log(`worker ended: ${(error as Error).message}`);
    }
  }
}
