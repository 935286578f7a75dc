// The operations as routes: GET for what only looks, POST for what changes something. The same
// routes stand behind the admin socket and the admin HTTP interface; they differ in how they tell
// who asks.

import type { z } from 'zod';
import { UserError } from '../base/errors.js';
import { Problem, type ProblemType } from '../http/problem.js';
import type { ResponseDoc, Route, RouteRequest } from '../http/route.js';
import type { OperationContext } from './context.js';
import { type AnyOperation, operationPath } from './operation.js';
import { Refusal } from './refusal.js';
import { operations, streams } from './registry.js';
import { runOperation } from './run.js';
import { type AnyStream, beginStream } from './stream.js';

/** Tells who asks; throws a Problem when that is nobody. */
export type ContextOf = (
  request: Pick<RouteRequest<unknown, unknown>, 'token'>,
) => OperationContext;

const STREAM_WORDS =
  'may give its token as the second protocol it offers, `bearer.TOKEN`. `{}` says only that the ' +
  'stream lives, `{"missed":N}` that N items were left out because they were not read in time.';
const TYPES: Readonly<Record<number, ProblemType>> = {
  400: 'bad-request',
  403: 'forbidden',
  404: 'not-found',
  503: 'too-busy',
};

/** An operating error as HTTP tells it; anything else is a bug and stays what it is. */
export function asProblem(error: unknown): unknown {
  if (!(error instanceof UserError)) return error;
  const { status, rule } = error instanceof Refusal ? error : { status: 409, rule: 'state' };
  return new Problem(status, TYPES[status] ?? 'refused', {
    rule,
    detail: error.message,
    ...(error.advice === '' ? {} : { advice: error.advice }),
  });
}

/** `mailbox show` → `mailboxShow`. */
export function operationId(name: string): string {
  return name.replace(/[ -](\w)/gu, (_, letter: string) => letter.toUpperCase());
}

function responses(operation: AnyOperation): Record<number, ResponseDoc> {
  return {
    200: { description: 'Done.', schema: operation.output },
    400: { description: 'The input does not fit.' },
    401: { description: 'No token, or one that is not valid any more.' },
    403: { description: `The token’s role is less than ${operation.role}.` },
    404: { description: 'What is named does not exist.' },
    409: { description: 'Refused; `rule` names by what.' },
  };
}

function bodyless(input: z.ZodObject): boolean {
  return input.safeParse({}).success;
}

/** The route of an operation. */
export function operationRoute(operation: AnyOperation, contextOf: ContextOf): Route {
  const { name, summary, description, changes, input, seconds, role, confirm } = operation;
  return {
    method: changes ? 'POST' : 'GET',
    path: operationPath(operation),
    operation: operationId(name),
    summary,
    ...(description === undefined ? {} : { description }),
    bearer: true,
    ...(changes ? { body: input, bodyOptional: bodyless(input) } : { query: input }),
    ...(seconds === undefined ? {} : { seconds }),
    extensions: {
      'x-rookery-role': role,
      ...(confirm === undefined ? {} : { 'x-rookery-confirm': confirm }),
    },
    responses: responses(operation),
    async handle(request) {
      const context = contextOf(request);
      try {
        const output = await runOperation(
          operation,
          context,
          changes ? request.body : request.query,
        );
        return { status: 200, body: output as object };
      } catch (error) {
        throw asProblem(error);
      }
    },
  };
}

/** The route of a stream. */
export function streamRoute(asked: AnyStream, contextOf: ContextOf): Route {
  const { name, summary, description, input, role, item } = asked;
  const lines = 'Lines of JSON (`application/x-ndjson`), or messages of a WebSocket, whose client ';
  return {
    method: 'GET',
    path: operationPath(asked),
    operation: operationId(name),
    summary,
    description: `${description === undefined ? '' : `${description} `}${lines}${STREAM_WORDS}`,
    bearer: true,
    query: input,
    extensions: { 'x-rookery-role': role, 'x-rookery-stream': true },
    responses: {
      200: { description: 'One item.', schema: item },
      400: { description: 'The input does not fit.' },
      401: { description: 'No token, or one that is not valid any more.' },
      403: { description: `The token’s role is less than ${role}.` },
    },
    open(request) {
      try {
        return beginStream(asked, () => contextOf(request), request.query);
      } catch (error) {
        throw asProblem(error);
      }
    },
    handle: async () => {
      throw new Error(`${name} is a stream`);
    },
  };
}

/** The routes of the whole registry. */
export function registryRoutes(contextOf: ContextOf): Route[] {
  return [
    ...operations.map((operation) => operationRoute(operation, contextOf)),
    ...streams.map((asked) => streamRoute(asked, contextOf)),
  ];
}
