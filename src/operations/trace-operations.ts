// A trace: every stanza of a user's sessions, as it comes and goes. It is begun, read again and
// again (each read waits for something to come), and stopped; who stops reading is forgotten.

import { z } from 'zod';
import { existingUser, userField } from './names.js';
import { type AnyOperation, operation } from './operation.js';
import { Refusal } from './refusal.js';

const MAX_WAIT_SECONDS = 15;

const traceField = z.string().max(64).meta({ description: 'As `trace start` has named it.' });

function noTrace(): Refusal {
  return new Refusal('trace-exists', 'There is no such trace, or nobody has read it for long.', {
    status: 404,
  });
}

export const traceStart = operation({
  name: 'trace start',
  summary: 'Begin to trace the stanzas of a user',
  description: 'Texts are replaced by their lengths, unless `bodies` is asked for by an admin.',
  role: 'operator',
  changes: true,
  input: z.strictObject({
    user: userField,
    bodies: z.boolean().default(false).meta({ description: 'Show what people say, too.' }),
  }),
  output: z.object({ trace: z.string(), user: z.string() }).meta({ id: 'TraceStarted' }),
  look: { handmade: true },
  async run(context, { user, bodies }) {
    const name = existingUser(context, user);
    if (bodies && context.caller.role !== 'admin') {
      throw new Refusal('trace-bodies', 'What people say is shown to the role admin only.', {
        advice: 'Trace without bodies, or use a token of that role.',
        status: 403,
      });
    }
    const trace = context.server.traces.start(name, bodies);
    if (trace === undefined) {
      throw new Refusal('trace-count', 'Too many traces are under way.', {
        advice: 'Stop one; a trace that nobody reads ends in a minute.',
        status: 503,
      });
    }
    return { trace, user: `${name}@${context.services.settings.domain}` };
  },
});

export const traceRead = operation({
  name: 'trace read',
  summary: 'Wait for stanzas of a trace, and return those that have come',
  role: 'operator',
  changes: false,
  input: z.strictObject({
    trace: traceField,
    wait: z.int().min(0).max(MAX_WAIT_SECONDS).default(10).meta({
      description: 'Seconds to wait for something to come.',
    }),
  }),
  output: z
    .object({
      stanzas: z.array(
        z.object({
          atUs: z.int().meta({ description: 'Microseconds since 1970.' }),
          resource: z.string(),
          direction: z.enum(['in', 'out']).meta({ description: '`in`: from the client.' }),
          stanza: z.string(),
        }),
      ),
      dropped: z.int().meta({ description: 'So many more came than were kept.' }),
    })
    .meta({ id: 'TraceNews' }),
  look: { handmade: true },
  async run({ server }, { trace, wait }) {
    const news = await server.traces.read(trace, wait * 1000);
    if (news === undefined) throw noTrace();
    return { stanzas: [...news.stanzas], dropped: news.dropped };
  },
});

export const traceStop = operation({
  name: 'trace stop',
  summary: 'End a trace',
  role: 'operator',
  changes: true,
  input: z.strictObject({ trace: traceField }),
  output: z.object({ stopped: z.boolean() }).meta({ id: 'TraceStopped' }),
  look: { handmade: true },
  async run({ server }, { trace }) {
    if (!server.traces.stop(trace)) throw noTrace();
    return { stopped: true };
  },
});

export const traceOperations: readonly AnyOperation[] = [traceStart, traceRead, traceStop];
