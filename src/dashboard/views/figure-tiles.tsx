// The big numbers, each with its last minute.

import type { AlarmState } from '../../operations/alarms/alarm.js';
import type { ServerView } from '../../operations/view/server-view.js';
import { Sparkline } from '../charts/sparkline.js';
import { FIGURES, type Figure, inParts } from '../model/figures.js';
import { inOrder } from '../model/health.js';
import { SpokenMark } from './icons.js';

function worstOf({ rules }: Figure, alarms: readonly AlarmState[]): AlarmState | undefined {
  return inOrder(alarms.filter(({ rule }) => rules.includes(rule)))[0];
}

function Tile({ figure, view }: { figure: Figure; view: ServerView }) {
  const { number, unit } = inParts(figure.value(view));
  const alarm = worstOf(figure, view.alarms);
  const level = alarm === undefined ? '' : alarm.severity === 'critical' ? 'bad' : 'busy';
  return (
    <li class={`tile ${level}`} id={`figure-${figure.id}`}>
      <p class="label">
        {figure.label}
        {level === '' ? undefined : <SpokenMark level={level} />}
      </p>
      <p class="value">
        <b>{number === '-' ? '–' : number}</b> {unit}
      </p>
      <p class="note">{figure.note(view)}</p>
      {figure.line === undefined ? undefined : <Sparkline read={figure.line} />}
    </li>
  );
}

export function FigureTiles({ view }: { view: ServerView }) {
  return (
    <section aria-labelledby="figures-title">
      <h2 id="figures-title" class="spoken">
        Figures of this second
      </h2>
      <ul class="tiles">
        {FIGURES.map((figure) => (
          <Tile key={figure.id} figure={figure} view={view} />
        ))}
      </ul>
    </section>
  );
}
