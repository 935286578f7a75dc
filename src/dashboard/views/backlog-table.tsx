// For whom the most messages wait; asked for only while it is seen.

import { useEffect, useRef, useState } from 'preact/hooks';
import { count } from '../../operations/view/words.js';
import { shortBytes } from '../../operations/words.js';
import type { Backlogs } from '../api/answers.js';
import { open } from '../model/drawer.js';
import { usePolled } from '../model/polling.js';
import { complain } from '../model/toasts.js';
import { ago } from '../model/words.js';
import { Bar } from './bar.js';
import { Section } from './section.js';

const EVERY_MS = 5000;
const MOST = 8;
const QUESTION = { limit: MOST };

function useSeen() {
  const box = useRef<HTMLDivElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (box.current === null) return undefined;
    const observer = new IntersectionObserver((entries) =>
      setSeen(entries.at(-1)?.isIntersecting ?? false),
    );
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return { box, isSeen };
}

export function BacklogTable({ now }: { now: number }) {
  const { box, isSeen } = useSeen();
  const users =
    usePolled<Backlogs>('api/v1/backlog', QUESTION, EVERY_MS, isSeen, complain)?.users ?? [];
  const most = Math.max(1, ...users.map(({ messages }) => messages));
  return (
    <Section id="backlog" title="Most waits for">
      <div ref={box}>
        {users.length === 0 ? (
          <p class="faint">Nothing waits for anybody.</p>
        ) : (
          <table>
            <caption class="spoken">Users for whom the most messages wait</caption>
            <thead>
              <tr>
                <th scope="col">user</th>
                <th scope="col">messages</th>
                <th scope="col" class="number">
                  oldest
                </th>
              </tr>
            </thead>
            <tbody>
              {users.map(({ user, messages, bytes, oldest }) => (
                <tr key={user}>
                  <th scope="row" class="breakable">
                    <button
                      type="button"
                      class="plain"
                      onClick={() => open({ kind: 'user', user })}
                    >
                      {user}
                    </button>
                  </th>
                  <td class="meter">
                    <Bar share={messages / most} />
                    <span>
                      {count(messages)} <span class="faint">{shortBytes(bytes)}</span>
                    </span>
                  </td>
                  <td class="number">{oldest === undefined ? '–' : ago(oldest, now)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </Section>
  );
}
