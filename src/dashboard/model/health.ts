// How the server is, in one sentence and one level: raised alarms first, then what the figures say
// of shards, queues and stores.

import type { AlarmState } from '../../operations/alarms/alarm.js';
import type { Level } from '../../operations/view/level.js';
import type { ServerView } from '../../operations/view/server-view.js';
import type { Trouble } from './troubles.js';

export interface Health {
  readonly level: Level;
  readonly sentence: string;
  /** A second, smaller sentence. */
  readonly more: string;
}

const SEVERITY = { critical: 1, warning: 0 } as const;

/** The worst first; among equals those that nobody sees to, then the newest. */
export function inOrder(alarms: readonly AlarmState[]): AlarmState[] {
  const unseen = ({ acknowledgedBy }: AlarmState): number => (acknowledgedBy === '' ? 1 : 0);
  return [...alarms].sort(
    (one, other) =>
      SEVERITY[other.severity] - SEVERITY[one.severity] ||
      unseen(other) - unseen(one) ||
      other.raisedAt - one.raisedAt,
  );
}

/** The sentence at the top of the page; `troubles` are what has lasted without an alarm. */
export function healthOf({ alarms }: ServerView, troubles: readonly Trouble[]): Health {
  const [alarm] = inOrder(alarms);
  if (alarm !== undefined) {
    const level = alarm.severity === 'critical' ? 'bad' : 'busy';
    return { level, sentence: alarm.message, more: '' };
  }
  const [worst, ...others] = troubles;
  if (worst === undefined) {
    return { level: 'well', sentence: 'All is well.', more: 'No alarm is raised.' };
  }
  const also = others.length === 0 ? '' : ` ${others.map(({ words }) => words).join(' ')}`;
  // The colour of alarms is kept for alarms.
  return { level: 'busy', sentence: worst.words, more: `No alarm is raised.${also}` };
}

/** How a thing is when an alarm may be raised about it. */
export function worse(level: Level, alarm: AlarmState | undefined): Level {
  if (alarm === undefined || level === 'bad') return level;
  return alarm.severity === 'critical' ? 'bad' : 'busy';
}

/** The worst alarm about a thing. */
export function alarmOf(alarms: readonly AlarmState[], subject: string): AlarmState | undefined {
  return inOrder(alarms.filter((alarm) => alarm.subject === subject))[0];
}
