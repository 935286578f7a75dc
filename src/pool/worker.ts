// A pool worker: loads the handlers once, then answers batches. Events of one user are answered in
// their order, those of different users side by side, so that their writes share a commit.

import { parentPort, threadId } from 'node:worker_threads';
import { workerData } from 'piscina';
import { openServices } from '../services/services.js';
import { Store } from '../services/store.js';
import { Answerer, type TimedOutcome } from './answer.js';
import { HandlerTable } from './handler-table.js';
import { selfTest } from './self-test.js';
import type {
  BatchResult,
  WorkerProgress,
  WorkerResult,
  WorkerSetup,
  WorkerTask,
  WorkItem,
} from './work.js';

function report(doing: string): void {
  const progress: WorkerProgress = { kind: 'progress', worker: threadId, doing };
  parentPort?.postMessage(progress);
}

async function answerBatch(answerer: Answerer, items: readonly WorkItem[]): Promise<BatchResult> {
  const outcomes: Promise<TimedOutcome>[] = [];
  const lastOfUser = new Map<string, Promise<TimedOutcome>>();
  for (const item of items) {
    const user = 'user' in item ? item.user : `#${item.connection}`;
    const before = lastOfUser.get(user);
    const outcome =
      before === undefined ? answerer.answer(item) : before.then(() => answerer.answer(item));
    lastOfUser.set(user, outcome);
    outcomes.push(outcome);
  }
  const done = await Promise.all(outcomes);
  return {
    kind: 'batch',
    times: done.map(({ time }) => time),
    effects: done.flatMap(({ effects }) => effects),
    failures: done.flatMap(({ failures }) => failures),
  };
}

async function initialise(): Promise<(task: WorkerTask) => Promise<WorkerResult>> {
  const { settings, handlersPath, overridesPath } = workerData as WorkerSetup;
  const table = await HandlerTable.load(settings, handlersPath, overridesPath, report);
  report('');
  const services = openServices(Store.open(settings.dataFolder), settings);
  const answerer = new Answerer(table, services);
  return async (task) => {
    if (task.kind === 'self-test') return await selfTest(table, settings, report);
    services.store.refresh();
    return await answerBatch(answerer, task.items);
  };
}

export default initialise();
