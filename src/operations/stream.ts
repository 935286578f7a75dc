// Operations that answer with more and more: one item at a time, until the caller goes. They are
// lines of JSON over HTTP and the admin socket, and messages of a WebSocket for pages.

import type { z } from 'zod';
import type { BeginStream } from '../http/route.js';
import type { OperationContext } from './context.js';
import type { OperationSpec } from './operation.js';
import { requireRole } from './run.js';

/** What a stream's items go into. */
export interface StreamOut {
  /** An item, or its JSON. One that the caller has no room for is left out, and it is told. */
  send(item: object | string): void;
  /** Nothing more comes. */
  end(): void;
}

/** A stream says the same of itself as an operation that only looks. */
export interface StreamSpec<
  Input extends z.ZodObject = z.ZodObject,
  Item extends z.ZodType = z.ZodType,
> extends Pick<OperationSpec<Input, Item>, 'name' | 'summary' | 'description' | 'role' | 'input'> {
  readonly item: Item;
  readonly look?: {
    readonly arguments?: readonly (keyof z.output<Input> & string)[];
    readonly handmade?: boolean;
    print?(item: z.output<Item>, input: z.output<Input>): string;
  };
  /** Begins to send; returns how it is stopped. May throw a Refusal. */
  open(context: OperationContext, input: z.output<Input>, out: StreamOut): () => void;
}

/** A stream in the registry: its types have been seen to fit. */
export interface AnyStream extends Omit<StreamSpec, 'look' | 'open'> {
  readonly look?: {
    readonly arguments?: readonly string[];
    readonly handmade?: boolean;
    print?(item: unknown, input: unknown): string;
  };
  open(context: OperationContext, input: unknown, out: StreamOut): () => void;
}

/** Checks the types of a stream. */
export function stream<Input extends z.ZodObject, Item extends z.ZodType>(
  spec: StreamSpec<Input, Item>,
): StreamSpec<Input, Item> {
  return spec;
}

const LIVE_MS = 5000;

/**
 * Opens a stream for a caller. `contextOf` is asked again every few seconds: a token that has been
 * deleted ends what it was used for. An item `{}` says only that the stream lives; `{"missed":N}`
 * that N items were left out because the caller reads too slowly.
 */
export function beginStream(
  asked: AnyStream,
  contextOf: () => OperationContext,
  input: unknown,
): BeginStream {
  const context = contextOf();
  requireRole(context, asked);
  return (sink) => {
    let missed = 0;
    let isQuiet = true;
    let stop: () => void = () => undefined;
    // Comes from either side, and from both when this one ends it.
    const over = (): void => {
      clearInterval(timer);
      const last = stop;
      stop = () => undefined;
      last();
    };
    const end = (): void => {
      over();
      sink.end();
    };
    const timer = setInterval(() => {
      try {
        requireRole(contextOf(), asked);
      } catch {
        end();
        return;
      }
      if (isQuiet && !sink.blocked) sink.send('{}');
      isQuiet = true;
    }, LIVE_MS);
    const send = (item: object | string): void => {
      if (sink.blocked) {
        missed++;
        return;
      }
      if (missed > 0) sink.send(JSON.stringify({ missed }));
      missed = 0;
      isQuiet = false;
      sink.send(typeof item === 'string' ? item : JSON.stringify(item));
    };
    try {
      stop = asked.open(context, input, { send, end });
    } catch (error) {
      // The answer has begun: all that can be done is to say it and to end.
      sink.send(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
      end();
    }
    return over;
  };
}
