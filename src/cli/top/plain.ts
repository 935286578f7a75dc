// The plain view of `rookery top`: one line for each interval, as sar has it.

import type { ServerView } from '../../operations/view/server-view.js';
import { count, span } from '../../operations/view/words.js';

const COLUMNS: readonly (readonly [
  title: string,
  width: number,
  of: (view: ServerView) => string,
])[] = [
  ['time', 8, ({ at }) => new Date(at).toISOString().slice(11, 19)],
  ['cpu%', 6, ({ cpu }) => (100 - cpu.idle).toFixed(1)],
  ['server%', 7, ({ cpu }) => cpu.process.toFixed(1)],
  ['conns', 7, ({ connections }) => count(connections)],
  ['in/s', 7, ({ rates }) => count(rates.messagesIn)],
  ['out/s', 7, ({ rates }) => count(rates.messagesOut)],
  ['p50', 8, ({ handoverP50Us }) => span(handoverP50Us)],
  ['p99', 8, ({ handoverP99Us }) => span(handoverP99Us)],
  ['login/s', 7, ({ rates }) => count(rates.logins)],
  ['turn p99', 14, slowest],
  ['commit', 8, ({ stores }) => span(Math.max(0, ...stores.map((store) => store.commitP99Us)))],
  ['waiting', 8, ({ mailboxes }) => count(mailboxes.messages)],
  ['alarms', 6, ({ alarms }) => (alarms.length === 0 ? '-' : `!${alarms.length}`)],
];

/** The longest turns, and whose they are when one shard stands out. */
function slowest({ shards }: ServerView): string {
  const [worst] = [...shards].sort((one, other) => other.turnP99Us - one.turnP99Us);
  if (worst === undefined) return '-';
  const whose = worst.level === 'well' ? '' : ` !shard ${worst.id}`;
  return `${span(worst.turnP99Us)}${whose}`;
}

/** Above the lines, and now and then between them. */
export function plainHeader(): string {
  return COLUMNS.map(([title, width]) => title.padStart(width)).join(' ');
}

export function plainLine(view: ServerView): string {
  return COLUMNS.map(([, width, of]) => of(view).padStart(width)).join(' ');
}
