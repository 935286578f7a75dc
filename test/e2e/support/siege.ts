// An attack on a running server, and what must hold while it goes on: two others chat, everything
// of theirs arrives once and in order; the server's memory stays within a bound; what the attack
// did is counted.

import assert from 'node:assert/strict';
import type { Element } from 'ltx';
import { RawClient } from './raw-client.js';
import type { TestServer } from './server.js';

const SAMPLE_MS = 20;
const CHAT_MS = 15;
const ARRIVAL_MS = 20_000;
const MEBIBYTE = 1 << 20;

let conversations = 0;

/** Two users who talk to each other all the time. */
export class Bystanders {
  readonly #server: TestServer;
  readonly #people: readonly [RawClient, RawClient];
  readonly #heard: [number[], number[]] = [[], []];
  // What a conversation that was broken off has left in their mailboxes is none of this one's.
  readonly #name = `chat ${++conversations}`;
  #sent = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(server: TestServer, names: readonly [string, string]) {
    this.#server = server;
    const { endpoint } = server;
    this.#people = [new RawClient(endpoint, names[0]), new RawClient(endpoint, names[1])];
  }

  /** Logs both in and lets them begin. */
  static async begin(server: TestServer, names: readonly [string, string]): Promise<Bystanders> {
    const both = new Bystanders(server, names);
    for (const [index, person] of both.#people.entries()) {
      await person.login({ acks: true });
      person.onElement = (element) => both.#take(index, element);
    }
    both.#timer = setInterval(() => both.#say(), CHAT_MS);
    return both;
  }

  #say(): void {
    this.#sent += 1;
    for (const [index, person] of this.#people.entries()) {
      const to = `${this.#people[1 - index]?.user}@${this.#server.domain}`;
      person.send(
        `<message to='${to}' type='chat' id='n${this.#sent}'><body>${this.#sent}</body>` +
          `<thread>${this.#name}</thread></message>`,
      );
    }
  }

  #take(index: number, element: Element): void {
    if (element.name !== 'message' || element.getChildText('thread') !== this.#name) return;
    assert.notEqual(element.attrs.type, 'error', `${element}`);
    this.#heard[index as 0 | 1].push(Number(element.getChildText('body')));
  }

  /** How many messages each of them has sent. */
  get sent(): number {
    return this.#sent;
  }

  /** Waits for some messages that are sent from now on: the server serves them at this moment. */
  async served(count = 5): Promise<void> {
    const wanted = this.#sent + count;
    await this.#arrived(wanted);
  }

  async #arrived(wanted: number): Promise<void> {
    const deadline = Date.now() + ARRIVAL_MS;
    while (this.#heard.some((numbers) => (numbers.at(-1) ?? 0) < wanted)) {
      if (this.#people.some(({ closed }) => closed)) throw new Error('a bystander was cut off');
      if (Date.now() > deadline) {
        const heard = this.#heard.map((numbers) => numbers.at(-1) ?? 0);
        throw new Error(`bystanders wait for message ${wanted}, heard ${heard.join(' and ')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Lets them end: everything that was sent has arrived once and in order. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    try {
      await this.#arrived(this.#sent);
      const all = Array.from({ length: this.#sent }, (_, index) => index + 1);
      for (const numbers of this.#heard) assert.deepEqual(numbers, all);
    } finally {
      for (const person of this.#people) person.acknowledge();
      await Promise.all(this.#people.map((person) => person.logout()));
    }
  }

  /** Ends at once. */
  abandon(): void {
    clearInterval(this.#timer);
    for (const person of this.#people) person.cut();
  }
}

export interface Expected {
  /** The most that the server's resident memory may grow. */
  readonly growthMiB: number;
  /** By how much counters must have grown. */
  readonly counters?: Readonly<Record<string, number>>;
  /** The same where the attack does not say exactly how much. */
  readonly atLeast?: Readonly<Record<string, number>>;
}

export interface Course {
  readonly chat: Bystanders;
  /** How much a counter has grown since the attack began. */
  counted(name: string): Promise<number>;
  /** Waits until a counter has grown by so much. */
  untilCounted(name: string, by: number): Promise<void>;
}

/** Runs the attack and judges it; returns by how much memory grew at most, in MiB. */
export async function siege(
  server: TestServer,
  expected: Expected,
  attack: (course: Course) => Promise<void>,
): Promise<number> {
  const chat = await Bystanders.begin(server, ['ann', 'bob']);
  let peak = 0;
  let timer: NodeJS.Timeout | undefined;
  try {
    await chat.served();
    const before = await server.counters();
    const base = server.memoryBytes();
    timer = setInterval(() => {
      peak = Math.max(peak, server.memoryBytes());
    }, SAMPLE_MS);
    const course = courseOf(server, chat, before);
    await attack(course);
    await chat.served();
    for (const [name, by] of Object.entries({ ...expected.counters, ...expected.atLeast })) {
      await course.untilCounted(name, by);
    }
    for (const [name, by] of Object.entries(expected.counters ?? {})) {
      assert.equal(await course.counted(name), by, name);
    }
    await chat.finish();
    peak = Math.max(peak, server.memoryBytes());
    const growth = Math.round((peak - base) / MEBIBYTE);
    const text = `memory grew by ${growth} MiB, ${expected.growthMiB} are allowed`;
    assert.ok(growth <= expected.growthMiB, text);
    return growth;
  } finally {
    clearInterval(timer);
    chat.abandon();
  }
}

function courseOf(server: TestServer, chat: Bystanders, before: Record<string, number>): Course {
  const counted = async (name: string): Promise<number> => {
    const now = (await server.counters())[name];
    if (now === undefined) throw new Error(`no counter is named ${name}`);
    return now - (before[name] ?? 0);
  };
  const untilCounted = async (name: string, by: number): Promise<void> => {
    const deadline = Date.now() + ARRIVAL_MS;
    let now = await counted(name);
    while (now < by) {
      if (Date.now() > deadline) throw new Error(`${name} grew by ${now}, wanted ${by}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      now = await counted(name);
    }
  };
  return { chat, counted, untilCounted };
}
