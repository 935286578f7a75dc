// Rounds of talk, kill -9, start and talk again; and damage to the store's file between a kill and
// the next start. Used by crash.test.ts with a few rounds and by crash.ts with many.

import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from '../../../src/sdk/index.js';
import { CompactLine, type Line, XmppLine } from './crash-lines.js';
import { type Judgement, judge, Recipient, Sender } from './crash-load.js';
import { phoneServer, registered, WAYS, type Way } from './phone.js';
import { SeededRandom } from './random.js';
import type { TestServer } from './server.js';
import { saltOf, wholeMessages } from './store-frames.js';

const DRAIN_MS = 20_000;
// Nothing new at so many looks in a row: nothing is on its way any more.
const LOOK_MS = 200;
const QUIET_LOOKS = 5;
const ABSENT_PARTS = 4;
const FLIPPED_BITS = 8;

export interface RoundReport {
  readonly seed: number;
  readonly readyMs: number;
  /** What the start cost; unlike the time, it says the same on a busy machine. */
  readonly readyCpuSeconds: number;
  readonly resumed: number;
  readonly begunAnew: number;
  readonly judgement: Judgement;
  readonly errors: readonly string[];
}

/** Makes the way of one user to the server, the same user every time it is called. */
type MakeLine = (random: SeededRandom) => Line;

/** A server and the people who talk through it. */
export class CrashRun {
  #rounds = 0;

  private constructor(
    readonly server: TestServer,
    private readonly senders: readonly MakeLine[],
    private readonly recipients: readonly MakeLine[],
  ) {}

  /** `compactShare` of both have a device, half of them over WebSocket; the others speak XMPP. */
  static async start(senders: number, recipients: number, compactShare: number): Promise<CrashRun> {
    const accounts = [...names('s', senders), ...names('r', recipients)];
    const server = await phoneServer({ xmpp: { starttls: 'off' } }, accounts);
    const makers = (prefix: string, count: number): Promise<MakeLine[]> =>
      Promise.all(
        names(prefix, count).map(async (name, index) => {
          if (index >= Math.round(count * compactShare)) return xmppLine(server, name);
          return compactLine(await registered(server), WAYS[index % WAYS.length] as Way);
        }),
      );
    return new CrashRun(server, await makers('s', senders), await makers('r', recipients));
  }

  /** One round. Everything random comes from the seed; the machine's timing does not. */
  async round(seed: number): Promise<RoundReport> {
    const random = new SeededRandom(seed);
    const { senders, recipients } = this.#people(random);
    const everyone = [...senders, ...recipients];
    await Promise.all(everyone.map((one) => one.reconnect()));
    for (const sender of senders) sender.talk();
    await sleep(random.below(500));
    // Some recipients are away when it happens: what is sent to them waits on the disk.
    for (const one of recipients) if (random.below(ABSENT_PARTS) === 0) one.line.cut();
    await sleep(random.below(400));
    await this.server.kill();
    await this.server.restart();
    const { readyMs } = this.server;
    const readyCpuSeconds = this.server.cpuSeconds();
    const outcomes = await Promise.all(everyone.map((one) => one.reconnect()));
    await sleep(random.below(300));
    for (const sender of senders) sender.talking = false;
    await drain(senders, recipients);
    await Promise.all(everyone.map((one) => one.line.logout()));
    return {
      seed,
      readyMs,
      readyCpuSeconds,
      resumed: outcomes.filter((resumed) => resumed).length,
      begunAnew: outcomes.filter((resumed) => !resumed).length,
      judgement: judge(senders, recipients),
      errors: everyone.flatMap((one) => one.errors),
    };
  }

  /**
   * Messages to people who are away, a kill, damage to the store's file, a start, and everyone
   * collects. Which messages have to arrive is read from the file before and after the damage: all
   * of which no copy was touched.
   */
  async damage(seed: number, kind: 'truncated' | 'flipped'): Promise<DamageReport> {
    const random = new SeededRandom(seed);
    const { senders, recipients } = this.#people(random);
    await Promise.all(senders.map((one) => one.reconnect()));
    for (const sender of senders) sender.talk();
    await sleep(600 + random.below(400));
    for (const sender of senders) sender.talking = false;
    await drain(senders, []);
    await this.server.kill();
    const file = largestStore(this.server.data);
    const salt = saltOf(dirname(dirname(file)));
    const before = wholeCopies(readFileSync(file), salt);
    if (kind === 'truncated') truncate(file, random);
    else flipBits(file, random);
    const after = wholeCopies(readFileSync(file), salt);
    const acknowledged = senders.flatMap((s) => s.sent).filter((entry) => entry.acknowledged);
    const promised = acknowledged.filter(
      ({ id }) => before.has(id) && after.get(id) === before.get(id),
    );
    await this.server.restart();
    const report = /(\d+) stored messages, (\d+) bad records/u.exec(
      this.server.log.slice(this.server.log.lastIndexOf(' stored messages') - 20),
    );
    await Promise.all(recipients.map((one) => one.reconnect()));
    await drain([], recipients);
    const judgement = judge(senders, recipients);
    const lost = new Set(judgement.lost);
    for (const one of [...senders, ...recipients]) one.line.cut();
    return {
      seed,
      readyMs: this.server.readyMs,
      acknowledged: acknowledged.length,
      badRecords: Number(report?.[2] ?? -1),
      judgement,
      lostThoughWhole: promised.filter(({ id }) => lost.has(id)).map(({ id }) => id),
    };
  }

  // The same accounts every time, with ids that no former round has used.
  #people(random: SeededRandom): { senders: Sender[]; recipients: Recipient[] } {
    this.#rounds += 1;
    const recipients = this.recipients.map((make) => make(random));
    return {
      senders: this.senders.map(
        (make) => new Sender(make(random), recipients, random, this.#rounds),
      ),
      recipients: recipients.map((line) => new Recipient(line)),
    };
  }
}

function xmppLine(server: TestServer, user: string): MakeLine {
  return () => new XmppLine(() => server.endpoint, user);
}

function compactLine(account: Account, way: Way): MakeLine {
  return (random) => new CompactLine(account, way, random);
}

export interface DamageReport {
  readonly seed: number;
  readonly readyMs: number;
  readonly acknowledged: number;
  readonly badRecords: number;
  readonly judgement: Judgement;
  /**
   * None of their copies was touched, and yet they did not arrive: none may be. (LMDB leaves old
   * copies of records in free pages. Where only such a copy is left, it cannot be told from that of
   * a record that was deleted, and the message may be gone with the damage.)
   */
  readonly lostThoughWhole: readonly string[];
}

// How far the reported number of bad records may be from the number of messages that are gone:
// other records than messages are lost, too, and what no page names any more cannot be counted.
const COUNT_TOLERANCE = 0.05;
const COUNT_SLACK = 5;

/** What is wrong with a recovery from damage, in words; empty when nothing is. */
export function damageFaultsOf(report: DamageReport): string[] {
  const { lost, twice, outOfOrder } = report.judgement;
  const faults: string[] = [];
  if (report.badRecords < lost.length * (1 - COUNT_TOLERANCE) - COUNT_SLACK) {
    faults.push(`${lost.length} lost, ${report.badRecords} reported`);
  }
  if (lost.length > 0 && report.badRecords === 0) faults.push('lost in silence');
  if (report.lostThoughWhole.length > 0) {
    faults.push(`lost though whole: ${report.lostThoughWhole.slice(0, 3).join(', ')}`);
  }
  if (twice.length > 0) faults.push(`twice: ${twice.slice(0, 3).join(', ')}`);
  if (outOfOrder.length > 0) faults.push(`out of order: ${outOfOrder.slice(0, 3).join(', ')}`);
  return faults;
}

/** What is wrong with a round, in words; empty when nothing is. */
export function faultsOf({ judgement, errors }: RoundReport): string[] {
  const { lost, twice, outOfOrder, foreign } = judgement;
  const lists = { lost, twice, outOfOrder, foreign, errors };
  return Object.entries(lists)
    .filter(([, list]) => list.length > 0)
    .map(([what, list]) => `${what}: ${list.length} (${list.slice(0, 3).join(', ')})`);
}

// How many whole copies of each message's record the file holds, by the message's id.
function wholeCopies(file: Buffer, salt: Buffer): Map<string, number> {
  const copies = new Map<string, number>();
  for (const payload of wholeMessages(file, salt)) {
    const id = /<body>([^ <]*).*?<\/body>/u.exec(payload)?.[1];
    if (id !== undefined) copies.set(id, (copies.get(id) ?? 0) + 1);
  }
  return copies;
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

// Until every sender is told that all is safe, and nothing more arrives.
async function drain(senders: readonly Sender[], recipients: readonly Recipient[]): Promise<void> {
  const deadline = Date.now() + DRAIN_MS;
  const progress = () => recipients.reduce((sum, one) => sum + one.received.length, 0);
  let latest = -1;
  let quiet = 0;
  while (Date.now() < deadline) {
    const waiting = senders.reduce((sum, sender) => sum + sender.waiting, 0);
    const now = progress();
    quiet = waiting === 0 && now === latest ? quiet + 1 : 0;
    if (quiet === QUIET_LOOKS) return;
    latest = now;
    await sleep(LOOK_MS);
  }
  const stuck = senders.filter((sender) => sender.waiting > 0);
  const first = stuck[0];
  throw new Error(
    `${stuck.length} senders are not told that all is safe: ` +
      `${first?.line.failure(`${first.waiting} waiting`).message}`,
  );
}

function largestStore(data: string): string {
  const files = readdirSync(data, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('log.lmdb'))
    .map((name) => join(data, name))
    .sort((one, other) => statSync(other).size - statSync(one).size);
  if (files[0] === undefined) throw new Error(`no store under ${data}`);
  return files[0];
}

function truncate(file: string, random: SeededRandom): void {
  truncateSync(file, Math.floor(statSync(file).size * (0.4 + 0.5 * random.fraction())));
}

function flipBits(file: string, random: SeededRandom): void {
  const bytes = readFileSync(file);
  for (let count = 0; count < FLIPPED_BITS; count += 1) {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  }
  writeFileSync(file, bytes);
}
