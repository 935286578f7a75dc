// Talks to a running server over its admin socket.

import { request } from 'node:http';
import { adminSocketPath } from '../base/admin-path.js';
import { errorCode, errorText, UserError } from '../base/errors.js';
import { DataLock } from '../services/data-lock.js';

const TIMEOUT_MS = 120_000;

/** Sends one request; the answer's JSON, or an error in the server's words. */
export async function callServer(
  dataFolder: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<unknown> {
  const { status, text } = await exchange(dataFolder, method, path, body);
  const answer: unknown = text === '' ? {} : JSON.parse(text);
  if (status < 400) return answer;
  const error = answer as { error?: string; advice?: string };
  throw new UserError(error.error ?? `The server answered ${status}.`, error.advice ?? '');
}

function exchange(
  dataFolder: string,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: adminSocketPath(dataFolder),
        method,
        path,
        timeout: TIMEOUT_MS,
        headers: { 'content-type': 'application/json' },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: incoming.statusCode ?? 0, text });
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in two minutes')));
    outgoing.on('error', (error) => reject(unreachable(dataFolder, error)));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
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
