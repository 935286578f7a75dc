// The samples, for whoever wants to see the server live.

import { z } from 'zod';
import { type AnyOperation, operation } from './operation.js';
import { Refusal } from './refusal.js';
import type { Sample } from './sample.js';
import type { Sampler } from './sampler.js';
import { type AnyStream, stream } from './stream.js';

/** Its types are in src/operations/sample.ts, beside the words for each field. */
const sampleSchema = z
  .looseObject({
    at: z.int().meta({ description: 'Milliseconds since 1970.' }),
    server: z.looseObject({}),
    os: z.looseObject({}).meta({ description: 'CPU, memory, descriptors, sockets, TCP, disk.' }),
    engine: z
      .looseObject({})
      .meta({ description: 'Shards, queues, stores, counters and memory, as the engine counts.' }),
    control: z.looseObject({}).meta({ description: 'Event loop, heap, handlers, queues.' }),
    alarms: z.array(z.looseObject({})).meta({ description: 'The alarms that are raised.' }),
  })
  .meta({ id: 'Sample', description: 'What is known of the server in one second.' });

function latest(sampler: Sampler): Sample {
  if (sampler.latest !== undefined) return sampler.latest;
  throw new Refusal('sample-taken', 'No sample has been taken yet.', { status: 503 });
}

export const sampleShow = operation({
  name: 'sample show',
  summary: 'Show every figure of this second',
  role: 'viewer',
  changes: false,
  input: z.strictObject({}),
  output: sampleSchema,
  look: { print: (sample) => JSON.stringify(sample, undefined, 2) },
  run: async ({ server }) => latest(server.sampler) as unknown as z.input<typeof sampleSchema>,
});

export const sampleStream = stream({
  name: 'sample stream',
  summary: 'Send every figure, each second',
  role: 'viewer',
  input: z.strictObject({
    seconds: z.int().min(1).max(3600).default(1).meta({ description: 'Every so many seconds.' }),
  }),
  item: sampleSchema,
  look: { print: (sample) => JSON.stringify(sample) },
  open({ server: { sampler } }, { seconds }, out) {
    let left = 0;
    const give = (): void => {
      if (left-- > 0) return;
      left = seconds - 1;
      out.send(sampler.latestJson());
    };
    if (sampler.latest !== undefined) give();
    sampler.on('sample', give);
    return () => void sampler.off('sample', give);
  },
});

export const sampleOperations: readonly AnyOperation[] = [sampleShow];
export const sampleStreams: readonly AnyStream[] = [sampleStream];
