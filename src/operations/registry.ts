// Every operation, once. Socket, HTTP, OpenAPI document, command line and dashboard read this list.

import { accountOperations } from './account-operations.js';
import { alarmOperations, alarmStreams } from './alarm-operations.js';
import { contentionOperations } from './contention-operations.js';
import { deviceOperations } from './device-operations.js';
import { findingOperations } from './finding-operations.js';
import type { AnyOperation } from './operation.js';
import { sampleOperations, sampleStreams } from './sample-operations.js';
import { serverOperations } from './server-operations.js';
import type { AnyStream } from './stream.js';
import { tokenOperations } from './token-operations.js';
import { traceOperations } from './trace-operations.js';
import { viewOperations, viewStreams } from './view-operations.js';

export const operations: readonly AnyOperation[] = [
  ...serverOperations,
  ...accountOperations,
  ...deviceOperations,
  ...tokenOperations,
  ...findingOperations,
  ...traceOperations,
  ...sampleOperations,
  ...viewOperations,
  ...alarmOperations,
  ...contentionOperations,
];

/** Every operation that answers with more and more. */
export const streams: readonly AnyStream[] = [...sampleStreams, ...viewStreams, ...alarmStreams];
