// Talks to a running server over its admin socket.

import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { z } from 'zod';
import { adminSocketPath } from '../base/admin-path.js';
import { errorCode, errorText, UserError } from '../base/errors.js';
import { queryOf } from '../http/query.js';
import { type OperationSpec, operationPath } from '../operations/operation.js';
import { DataLock } from '../services/data-lock.js';

const TIMEOUT_MS = 720_000;

interface ProblemBody {
  readonly title?: string;
  readonly detail?: string;
  readonly advice?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** Has the server do an operation; its output, or an error in the server's words. */
export async function callServer<Input extends z.ZodObject, Output extends z.ZodType>(
  dataFolder: string,
  operation: Pick<OperationSpec<Input, Output>, 'name' | 'changes' | 'input' | 'output'>,
  input: z.input<Input>,
): Promise<z.output<Output>> {
  const path = operationPath(operation);
  const { status, answer } = operation.changes
    ? await exchange(dataFolder, 'POST', path, JSON.stringify(input))
    : await exchange(dataFolder, 'GET', `${path}?${queryOf(input)}`);
  const json: unknown = answer === '' ? {} : JSON.parse(answer);
  if (status < 400) return operation.output.parse(json);
  throw asError(status, json as ProblemBody);
}

/**
 * Reads a stream of the server: `onItem` gets each item's JSON. Resolves when the server ends it or
 * `signal` says so.
 */
export async function readServer(
  dataFolder: string,
  asked: { readonly name: string },
  input: Readonly<Record<string, unknown>>,
  onItem: (json: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const path = `${operationPath(asked)}?${queryOf(input)}`;
  const incoming = await answerOf(dataFolder, { method: 'GET', path, signal });
  if ((incoming.statusCode ?? 0) >= 400) {
    throw asError(incoming.statusCode ?? 0, JSON.parse(await text(incoming)) as ProblemBody);
  }
  try {
    for await (const line of createInterface({ input: incoming })) if (line !== '{}') onItem(line);
  } catch (error) {
    if (signal?.aborted !== true) throw unreachable(dataFolder, error as Error);
  }
}

function asError(status: number, { title, detail, advice, errors }: ProblemBody): UserError {
  const places = (errors ?? []).map(({ pointer, detail: what }) => {
    const field = pointer.split('/').slice(1).join('.');
    return `${field === '' ? '' : `${field}: `}${what}`;
  });
  const message = [detail ?? title ?? `The server answered ${status}.`, ...places].join('\n  ');
  if (status === 404 && detail === undefined) {
    return new UserError('The server does not know this.', 'Use the command line of its version.');
  }
  return new UserError(message, advice ?? '');
}

/** Sends a request; resolves when the answer begins. */
function answerOf(
  dataFolder: string,
  asked: {
    readonly method: string;
    readonly path: string;
    readonly body?: string;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: adminSocketPath(dataFolder),
        method: asked.method,
        path: asked.path,
        timeout: TIMEOUT_MS,
        headers: { 'content-type': 'application/json' },
        ...(asked.signal === undefined ? {} : { signal: asked.signal }),
      },
      resolve,
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in twelve minutes')));
    outgoing.on('error', (error) => reject(unreachable(dataFolder, error)));
    outgoing.end(asked.body);
  });
}

async function exchange(
  dataFolder: string,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; answer: string }> {
  const incoming = await answerOf(dataFolder, {
    method,
    path,
    ...(body === undefined ? {} : { body }),
  });
  return { status: incoming.statusCode ?? 0, answer: await text(incoming) };
}

function unreachable(dataFolder: string, error: Error): UserError {
  const nobody = ['ENOENT', 'ECONNREFUSED'].includes(errorCode(error));
  if (nobody && DataLock.holder(dataFolder) === undefined) {
    return new UserError(
      `No server is running on ${dataFolder}.`,
      'Start it with `rookery start`; when it has another configuration, name it with --config.',
      3,
    );
  }
  return new UserError(`The server on ${dataFolder} does not answer: ${errorText(error)}`, '', 3);
}

/** Whether a server (not merely an offline command) holds the folder. */
export function serverRuns(dataFolder: string): boolean {
  return DataLock.holder(dataFolder)?.purpose === 'rookery start';
}
