// The control plane: its event loop, and its handlers by the namespace that was asked.

import type { ServerView } from '../../operations/view/server-view.js';
import { count, percent } from '../../operations/view/words.js';
import { shortBytes } from '../../operations/words.js';
import { duration } from '../model/words.js';
import { Section } from './section.js';

const MOST = 8;

export function HandlerTable({ control }: { control: ServerView['control'] }) {
  const { handlers, busyPercent, heap, lagP99Ms } = control;
  return (
    <Section id="control" title="Control plane">
      <p class="faint">
        event loop late {duration(lagP99Ms * 1000)} (p99), busy {percent(busyPercent)}, heap{' '}
        {shortBytes(heap)}
      </p>
      {handlers.length === 0 ? (
        <p class="faint">No handler was asked in this second.</p>
      ) : (
        <table>
          <caption class="spoken">Handlers, the busiest first</caption>
          <thead>
            <tr>
              <th scope="col">handler of</th>
              <th scope="col" class="number">
                calls/s
              </th>
              <th scope="col" class="number">
                p99
              </th>
            </tr>
          </thead>
          <tbody>
            {handlers.slice(0, MOST).map(({ namespace, calls, p99Us }) => (
              <tr key={namespace}>
                <th scope="row" class="breakable">
                  {namespace}
                </th>
                <td class="number">{count(calls)}</td>
                <td class="number">{duration(p99Us)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
