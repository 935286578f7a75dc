// A worker of door/play.ts. It is JavaScript because a worker does not inherit the loader that
// understands TypeScript.
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
const { runWorkerPart } = await import('./worker-parts.ts');
runWorkerPart(workerData);
