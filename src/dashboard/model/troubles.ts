// What is not well although no alarm is raised. One second is nothing to speak of: what is said has
// lasted for two, and is said until it has been gone for some.

import type { Level } from '../../operations/view/level.js';
import type { ServerView } from '../../operations/view/server-view.js';

const LASTING_MS = 1500;
const GONE_MS = 3500;

export interface Trouble {
  /** What it is about. */
  readonly subject: string;
  readonly level: Level;
  readonly words: string;
}

/** What the figures of one second say. */
export function troublesOf({ shards, queues, stores }: ServerView): Trouble[] {
  const shard = shards.map(({ id, level, why }) => {
    return { subject: `shard ${id}`, level, words: `Shard ${id}: ${why}.` };
  });
  const queue = queues.map(({ name, level, refused }) => {
    const what = refused > 0 ? 'refuses what comes' : 'is filling up';
    return { subject: name, level, words: `The queue ${name} ${what}.` };
  });
  const store = stores.map(({ id, level }) => {
    return { subject: `store ${id}`, level, words: `Store ${id} commits slowly.` };
  });
  return [...shard, ...queue, ...store].filter(({ level }) => level !== 'well');
}

interface Remembered {
  trouble: Trouble;
  readonly since: number;
  seenAt: number;
}

/** Remembers troubles from second to second. */
export class Troubles {
  private readonly remembered = new Map<string, Remembered>();

  /** Takes the next view; returns what has lasted, the worst first. */
  take(view: ServerView): Trouble[] {
    const { at } = view;
    for (const trouble of troublesOf(view)) {
      const known = this.remembered.get(trouble.subject);
      if (known === undefined) {
        this.remembered.set(trouble.subject, { trouble, since: at, seenAt: at });
      } else {
        known.trouble = trouble;
        known.seenAt = at;
      }
    }
    for (const [subject, { seenAt }] of this.remembered) {
      if (at - seenAt > GONE_MS) this.remembered.delete(subject);
    }
    return [...this.remembered.values()]
      .filter(({ since, seenAt }) => seenAt - since >= LASTING_MS)
      .map(({ trouble }) => trouble)
      .sort((one, other) => Number(other.level === 'bad') - Number(one.level === 'bad'));
  }
}
