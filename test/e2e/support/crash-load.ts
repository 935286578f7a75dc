// People who keep talking while their server is killed and started again: senders that send again
// whatever was not acknowledged, recipients that write down what they get, and the judgement of
// what may be missing (nothing that was acknowledged) and what may come twice.

import type { Line, LineOwner, Outgoing } from './crash-lines.js';
import type { SeededRandom } from './random.js';

const WINDOW = 8;

/** One message: how often it was sent, and whether its sender was told that it is safe. */
export interface Sent {
  readonly id: string;
  readonly to: string;
  readonly number: number;
  /** The protocols of sender and recipient. */
  readonly direction: string;
  sendings: number;
  acknowledged: boolean;
}

/** Somebody at the end of a line. */
export abstract class Talker implements LineOwner {
  protected connected = false;

  constructor(readonly line: Line) {}

  get user(): string {
    return this.line.user;
  }

  /** Takes the former stream up where the server still knows it; says whether it did. */
  async reconnect(): Promise<boolean> {
    this.connected = false;
    const way = await this.line.reconnect(this);
    this.connected = true;
    this.begun(way);
    return way === 'resumed';
  }

  abstract handled(body: string): void;
  abstract refused(what: string): void;
  abstract safe(count: number): void;
  protected abstract begun(way: 'resumed' | 'anew'): void;
}

export class Sender extends Talker {
  readonly sent: Sent[] = [];
  /** Messages that came back as errors, or came though nobody writes to senders. */
  readonly errors: string[] = [];
  talking = false;
  readonly #recipients: readonly Line[];
  readonly #random: SeededRandom;
  readonly #round: number;
  readonly #numbers = new Map<string, number>();
  // Not acknowledged yet.
  readonly #queue: Sent[] = [];

  constructor(line: Line, recipients: readonly Line[], random: SeededRandom, round: number) {
    super(line);
    this.#recipients = recipients;
    this.#random = random;
    this.#round = round;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  talk(): void {
    this.talking = true;
    this.#fill();
  }

  override handled(body: string): void {
    this.errors.push(`a message to ${this.user}: ${body}`);
  }

  override refused(what: string): void {
    this.errors.push(what);
  }

  override safe(count: number): void {
    for (const entry of this.#queue.splice(0, count)) entry.acknowledged = true;
    this.#fill();
  }

  #fill(): void {
    if (!this.talking || !this.connected) return;
    const fresh: Sent[] = [];
    while (this.#queue.length < WINDOW) {
      const { user: to, protocol } = this.#recipients[
        this.#random.below(this.#recipients.length)
      ] as Line;
      const number = this.#numbers.get(to) ?? 0;
      this.#numbers.set(to, number + 1);
      const id = `${this.user}-${to}-${this.#round}-${number}`;
      const direction = `${this.line.protocol} to ${protocol}`;
      const entry = { id, to, number, direction, sendings: 0, acknowledged: false };
      this.sent.push(entry);
      this.#queue.push(entry);
      fresh.push(entry);
    }
    this.#send(fresh);
  }

  // The body says which sending it is, so that a copy that the server made can be told from one
  // that it was sent.
  #send(entries: readonly Sent[]): void {
    if (entries.length === 0) return;
    const messages: Outgoing[] = entries.map((entry) => {
      entry.sendings += 1;
      return { to: entry.to, id: entry.id, body: `${entry.id} ${entry.sendings}` };
    });
    this.line.send(messages);
  }

  protected override begun(way: 'resumed' | 'anew'): void {
    if (way === 'anew') this.#send(this.#queue);
    this.#fill();
  }
}

export class Recipient extends Talker {
  /** Bodies in the order in which they came. */
  readonly received: string[] = [];
  readonly errors: string[] = [];

  override handled(body: string): void {
    this.received.push(body);
  }

  override refused(what: string): void {
    this.errors.push(what);
  }

  override safe(): void {
    // It sends no messages.
  }

  protected override begun(): void {
    // The server sends what is missing by itself.
  }
}

/** What a run of messages came to. */
export interface Judgement {
  readonly sent: number;
  readonly acknowledged: number;
  /** Of the acknowledged, how many went from which protocol to which. */
  readonly directions: Readonly<Record<string, number>>;
  readonly received: number;
  /** Acknowledged to their senders and never received: none may be. */
  readonly lost: readonly string[];
  /** Received twice although sent once, or the same sending twice: none may be. */
  readonly twice: readonly string[];
  /** Received twice because the sender had to send again what nobody had acknowledged. */
  readonly twiceBecauseSentAgain: number;
  /** Received after a later one of the same sender: none may be. */
  readonly outOfOrder: readonly string[];
  /** Received though nobody sent them: none may be. */
  readonly foreign: readonly string[];
}

/** Compares what was sent with what was received. */
export function judge(senders: readonly Sender[], recipients: readonly Recipient[]): Judgement {
  const sent = new Map(senders.flatMap((s) => s.sent).map((entry) => [entry.id, entry]));
  const seen = new Set<string>();
  const twice: string[] = [];
  const outOfOrder: string[] = [];
  const foreign: string[] = [];
  let twiceBecauseSentAgain = 0;
  for (const recipient of recipients) {
    const latest = new Map<string, number>();
    const bodies = new Set<string>();
    for (const body of recipient.received) {
      const id = body.slice(0, body.indexOf(' '));
      const entry = sent.get(id);
      if (entry === undefined || entry.to !== recipient.user) {
        foreign.push(body);
      } else if (bodies.has(body)) {
        twice.push(body);
      } else if (seen.has(id)) {
        twiceBecauseSentAgain += 1;
      } else {
        const sender = id.slice(0, id.indexOf('-'));
        if (entry.number < (latest.get(sender) ?? -1)) outOfOrder.push(id);
        latest.set(sender, Math.max(entry.number, latest.get(sender) ?? -1));
        seen.add(id);
      }
      bodies.add(body);
    }
  }
  const acknowledged = [...sent.values()].filter((entry) => entry.acknowledged);
  return {
    sent: sent.size,
    acknowledged: acknowledged.length,
    directions: counted(acknowledged.map(({ direction }) => direction)),
    received: seen.size,
    lost: acknowledged.filter((entry) => !seen.has(entry.id)).map((entry) => entry.id),
    twice,
    twiceBecauseSentAgain,
    outOfOrder,
    foreign,
  };
}

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
