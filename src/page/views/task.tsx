// Something that takes a moment and may fail, and how that is shown.

import { useState } from 'preact/hooks';
import { problem } from '../problem.js';

/** What became of the last run. */
export interface Task {
  readonly busy: boolean;
  readonly done: string;
  readonly trouble: string;
  /** Runs; shows `done` when it went well. Resolves to whether it did. */
  run(work: () => Promise<unknown>, done?: string): Promise<boolean>;
}

/** One task of a view; a second run takes the place of the first. */
export function useTask(): Task {
  const [state, setState] = useState({ busy: false, done: '', trouble: '' });
  const run = async (work: () => Promise<unknown>, done = '') => {
    setState({ busy: true, done: '', trouble: '' });
    try {
      await work();
      setState({ busy: false, done, trouble: '' });
      return true;
    } catch (error) {
      setState({ busy: false, done: '', trouble: problem(error) });
      return false;
    }
  };
  return { ...state, run };
}

/** Says it to eyes and screen readers. */
export function Outcome({ task }: { task: Task }) {
  return (
    <div class="outcome">
      <p role="status">{task.done}</p>
      <p role="alert" class="trouble">
        {task.trouble}
      </p>
    </div>
  );
}
