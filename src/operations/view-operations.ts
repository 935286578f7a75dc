// What the dashboard shows: the server as people see it, now and in the last minutes.

import { z } from 'zod';
import { type AnyOperation, operation } from './operation.js';
import { type AnyStream, stream } from './stream.js';

/** Its type, with the meaning of each field, is in src/operations/view/view-point.ts. */
const pointSchema = z
  .looseObject({
    at: z.int().meta({ description: 'Milliseconds since 1970.' }),
    shards: z.array(z.looseObject({})),
  })
  .meta({ id: 'ViewPoint', description: 'One second of the server in a few numbers.' });

/** Its type is in src/operations/view/server-view.ts. */
const viewSchema = z
  .looseObject({
    at: z.int().meta({ description: 'Milliseconds since 1970.' }),
    server: z.looseObject({}),
    alarms: z.array(z.looseObject({})).meta({ description: 'Those that are raised.' }),
    rates: z.record(z.string(), z.number()).meta({ description: 'Each second.' }),
    shards: z.array(z.looseObject({ level: z.string(), why: z.string() })),
    queues: z.array(z.looseObject({ level: z.string() })).meta({
      description: 'The nearest to its limit first.',
    }),
    stores: z.array(z.looseObject({ level: z.string() })),
    control: z.looseObject({}),
    point: pointSchema,
  })
  .meta({
    id: 'ServerView',
    description: 'Rates and percentiles of the last second, and how bad each is.',
  });

export const viewHistory = operation({
  name: 'view history',
  summary: 'Show the last ten minutes, a point for each second',
  role: 'viewer',
  changes: false,
  input: z.strictObject({}),
  output: z
    .object({
      intervalMs: z.int(),
      points: z.array(pointSchema).meta({ description: 'The oldest first.' }),
    })
    .meta({ id: 'ViewHistory' }),
  look: { handmade: true },
  run: async ({ server }) => {
    const { intervalMs, points } = server.views.history();
    return { intervalMs, points: points as unknown as z.input<typeof pointSchema>[] };
  },
});

export const viewStream = stream({
  name: 'view stream',
  summary: 'Send each second what people see of the server',
  role: 'viewer',
  input: z.strictObject({}),
  item: viewSchema,
  look: { handmade: true },
  open: ({ server: { views } }, _, out) => views.watch((json) => out.send(json)),
});

export const viewOperations: readonly AnyOperation[] = [viewHistory];
export const viewStreams: readonly AnyStream[] = [viewStream];
