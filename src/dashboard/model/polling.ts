// Asking again and again, only while the answer can be seen.

import { useEffect, useState } from 'preact/hooks';
import { isVisible, link } from './live.js';
import { query } from './session.js';

/**
 * The newest answer, asked for every so often while `isWanted`. Errors are told to `failed` once in
 * a row.
 */
export function usePolled<Answer>(
  path: string,
  input: Readonly<Record<string, string | number>>,
  everyMs: number,
  isWanted: boolean,
  failed: (error: unknown) => void,
): Answer | undefined {
  const [answer, setAnswer] = useState<Answer | undefined>(undefined);
  const key = JSON.stringify(input);
  const isOn = isWanted && isVisible.value && link.value.state === 'live';
  // The key stands for the input.
  useEffect(() => {
    if (!isOn) return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isFailing = false;
    const look = async (): Promise<void> => {
      try {
        const found = await query<Answer>(path, { input, signal: stop.signal });
        if (!stop.signal.aborted) setAnswer(found);
        isFailing = false;
      } catch (error) {
        if (!stop.signal.aborted && !isFailing) failed(error);
        isFailing = true;
      }
      if (!stop.signal.aborted) timer = setTimeout(() => void look(), everyMs);
    };
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, key, everyMs, isOn]);
  return answer;
}
