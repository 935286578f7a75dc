// People who keep talking while their server is killed and started again: senders that send again
// whatever was not acknowledged, recipients that write down what they get, and the judgement of
// what
// may be missing (nothing that was acknowledged) and what may come twice.

import type { Element } from 'ltx';
import type { SeededRandom } from './random.js';
import { type Endpoint, RawClient } from './raw-client.js';

const ACK_REQUEST = "<r xmlns='urn:xmpp:sm:3'/>";
const WINDOW = 8;
const HANDLED_LIMIT = 2 ** 31;

/** One message: how often it was sent, and whether its sender was told that it is safe. */
export interface Sent {
  readonly id: string;
  readonly to: string;
  readonly number: number;
  sendings: number;
  acknowledged: boolean;
}

abstract class Talker {
  readonly user: string;
  client: RawClient;

  constructor(endpoint: Endpoint, user: string) {
    this.user = user;
    this.client = new RawClient(endpoint, user);
  }

  /** Logs in anew; the first time, and where resumption failed. */
  protected async begin(client: RawClient): Promise<void> {
    await client.bind('r');
    await client.enableAcks();
    this.listen(client);
    client.send('<presence/>');
  }

  /** Takes the former stream up where the server still knows it; says whether it did. */
  async reconnect(endpoint: Endpoint): Promise<boolean> {
    const former = this.client;
    former.cut();
    const client = new RawClient(endpoint, this.user);
    this.client = client;
    await client.authenticatedStream();
    if (former.resumptionId === '') {
      await this.begin(client);
      return false;
    }
    client.handled = former.handled;
    client.resumptionId = former.resumptionId;
    const answer = await client.requestResumption((element) => this.take(element));
    if (answer.name === 'resumed') {
      this.resumed(Number(answer.attrs.h));
      return true;
    }
    await this.begin(client);
    this.begunAnew(answer.attrs.h === undefined ? undefined : Number(answer.attrs.h));
    return false;
  }

  protected listen(client: RawClient): void {
    client.onElement = (element) => this.take(element);
  }

  protected abstract take(element: Element): void;
  protected abstract resumed(handled: number): void;
  protected abstract begunAnew(handled: number | undefined): void;
}

export class Sender extends Talker {
  readonly sent: Sent[] = [];
  /** Messages that came back as errors. */
  readonly errors: string[] = [];
  talking = false;
  readonly #recipients: readonly string[];
  readonly #random: SeededRandom;
  readonly #round: number;
  readonly #numbers = new Map<string, number>();
  // Not acknowledged yet; null stands for a stanza that needs no second sending.
  #queue: (Sent | null)[] = [];
  #handled = 0;
  #handledBefore = 0;

  constructor(
    endpoint: Endpoint,
    user: string,
    recipients: readonly string[],
    random: SeededRandom,
    round: number,
  ) {
    super(endpoint, user);
    this.#recipients = recipients;
    this.#random = random;
    this.#round = round;
  }

  get waiting(): number {
    return this.#queue.filter((entry) => entry !== null).length;
  }

  talk(): void {
    this.talking = true;
    this.#fill();
  }

  protected override async begin(client: RawClient): Promise<void> {
    await super.begin(client);
    this.#handledBefore = this.#handled;
    this.#handled = 0;
    this.#queue.unshift(null);
  }

  protected override take(element: Element): void {
    if (element.name === 'a') this.#settle(Number(element.attrs.h));
    if (element.name === 'message' && element.attrs.type === 'error') {
      this.errors.push(element.toString());
    }
  }

  #settle(handled: number): void {
    const fresh = (handled - this.#handled) >>> 0;
    if (fresh > this.#queue.length || fresh >= HANDLED_LIMIT) {
      throw new Error(`${this.user}: the server acknowledges ${handled}, more than was sent`);
    }
    this.#handled = handled;
    for (const entry of this.#queue.splice(0, fresh)) {
      if (entry !== null) entry.acknowledged = true;
    }
    if (this.talking) this.#fill();
  }

  #fill(): void {
    let added = false;
    while (this.talking && this.#queue.length < WINDOW) {
      const to = this.#recipients[this.#random.below(this.#recipients.length)] as string;
      const number = this.#numbers.get(to) ?? 0;
      this.#numbers.set(to, number + 1);
      const id = `${this.user}-${to}-${this.#round}-${number}`;
      const entry = { id, to, number, sendings: 0, acknowledged: false };
      this.sent.push(entry);
      this.#queue.push(entry);
      this.#send(entry);
      added = true;
    }
    if (added) this.client.send(ACK_REQUEST);
  }

  #send(entry: Sent): void {
    entry.sendings += 1;
    const to = `${entry.to}@${this.client.endpoint.domain}`;
    const body = `<body>${entry.id}</body>`;
    this.client.send(`<message to='${to}' type='chat' id='${entry.id}'>${body}</message>`);
  }

  protected override resumed(handled: number): void {
    this.#settle(handled);
    this.#sendAgain();
  }

  protected override begunAnew(handled: number | undefined): void {
    // begin() has put its presence before what was waiting; the old stream's count says how much of
    // that is safe, where the server still knows it.
    const presence = this.#queue.shift() ?? null;
    const safe = handled === undefined ? 0 : Math.max(0, handled - this.#handledBefore);
    for (const entry of this.#queue.splice(0, safe)) {
      if (entry !== null) entry.acknowledged = true;
    }
    this.#queue = [presence, ...this.#queue.filter((entry) => entry !== null)];
    this.#sendAgain();
  }

  #sendAgain(): void {
    for (const entry of this.#queue) if (entry !== null) this.#send(entry);
    this.client.send(ACK_REQUEST);
  }
}

export class Recipient extends Talker {
  /** Ids in the order in which they came. */
  readonly received: string[] = [];

  protected override take(element: Element): void {
    if (element.name === 'message') this.received.push(String(element.attrs.id));
  }

  protected override resumed(): void {
    // The server sends what is missing by itself.
  }

  protected override begunAnew(): void {
    // So it does after a new login.
  }
}

/** What a run of messages came to. */
export interface Judgement {
  readonly sent: number;
  readonly acknowledged: number;
  readonly received: number;
  /** Acknowledged to their senders and never received: none may be. */
  readonly lost: readonly string[];
  /** Received twice although sent once: none may be. */
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
    for (const id of recipient.received) {
      const entry = sent.get(id);
      if (entry === undefined || entry.to !== recipient.user) {
        foreign.push(id);
      } else if (seen.has(id)) {
        if (entry.sendings > 1) twiceBecauseSentAgain += 1;
        else twice.push(id);
      } else {
        const sender = id.slice(0, id.indexOf('-'));
        if (entry.number < (latest.get(sender) ?? -1)) outOfOrder.push(id);
        latest.set(sender, Math.max(entry.number, latest.get(sender) ?? -1));
        seen.add(id);
      }
    }
  }
  const acknowledged = [...sent.values()].filter((entry) => entry.acknowledged);
  return {
    sent: sent.size,
    acknowledged: acknowledged.length,
    received: seen.size,
    lost: acknowledged.filter((entry) => !seen.has(entry.id)).map((entry) => entry.id),
    twice,
    twiceBecauseSentAgain,
    outOfOrder,
    foreign,
  };
}
