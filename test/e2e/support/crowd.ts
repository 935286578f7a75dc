// Ten thousand people who chat: every one sends numbered messages to one other and checks that what
// comes is the next number, so that what is lost, doubled or overtaken shows with the next message.
// Half of them with acknowledgements (XEP-0198), which must cover everything in the end.

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Element } from 'ltx';
import type { Endpoint } from './raw-client.js';
import { Scram } from './scram.js';
import { StanzaReader } from './stanza-reader.js';

const SM = 'urn:xmpp:sm:3';
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const BIND = 'urn:ietf:params:xml:ns:xmpp-bind';
/** Messages of one sender that have not arrived yet. */
const WINDOW = 4;
const TICK_MS = 10;
const CLIENTS_PER_SOURCE = 5000;
const MOST_PROBLEMS = 20;
const MESSAGE = /^<message [^>]*\bid=['"]m(\d+)-(\d+)['"]/u;

type Answer = (element: Element) => void;

/** One connection, with nothing remembered but numbers. */
export class Chatter {
  sent = 0;
  received = 0;
  /** Stanzas of ours that the server has taken responsibility for. */
  acknowledged = 0;
  closed = false;
  address = '';
  partner: Chatter | undefined;
  #socket: Socket | undefined;
  #reader = new StanzaReader();
  #answer: Answer | undefined;
  #iqs = new Map<string, Answer>();
  #stanzasSent = 0;
  #stanzasReceived = 0;
  #session = false;

  constructor(
    readonly crowd: Crowd,
    readonly index: number,
    readonly user: string,
    readonly acks: boolean,
  ) {}

  async login(): Promise<void> {
    const { host, port } = this.crowd.endpoint;
    const source = 1 + Math.floor(this.index / CLIENTS_PER_SOURCE);
    const socket = connect({ host, port, localAddress: `127.0.0.${source + 1}`, noDelay: true });
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('error', ({ message }) => this.crowd.problem(`${this.user}: ${message}`));
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('data', (text: string) => this.#take(text));
    await this.#open();
    const scram = new Scram('sha1', this.user, 'secret');
    const challenge = await this.#ask(
      `<auth xmlns='${SASL}' mechanism='SCRAM-SHA-1'>${base64(scram.first())}</auth>`,
    );
    const final = scram.final(Buffer.from(challenge.getText(), 'base64').toString());
    const outcome = await this.#ask(`<response xmlns='${SASL}'>${base64(final)}</response>`);
    if (outcome.name !== 'success') throw new Error(`${this.user}: ${outcome}`);
    await this.#open();
    const wish = `<resource>r${this.index}</resource>`;
    const bound = await this.#ask(
      `<iq type='set' id='b'><bind xmlns='${BIND}'>${wish}</bind></iq>`,
    );
    this.address = bound.getChild('bind')?.getChildText('jid') ?? '';
    if (this.acks) await this.#ask(`<enable xmlns='${SM}'/>`);
    this.#session = true;
    this.#send('<presence/>');
  }

  async #open(): Promise<void> {
    this.#reader = new StanzaReader();
    await this.#ask(
      `<?xml version='1.0'?><stream:stream to='${this.crowd.endpoint.domain}' version='1.0' ` +
        "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
    );
  }

  #ask(text: string): Promise<Element> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.user}: no answer`)), 30_000);
      this.#answer = (element) => {
        clearTimeout(timer);
        resolve(element);
      };
      this.#socket?.write(text);
    });
  }

  #send(stanza: string): void {
    this.#stanzasSent += 1;
    this.#socket?.write(stanza);
  }

  /** Sends the next message, unless too many are under way. */
  talk(): void {
    const { partner } = this;
    if (partner === undefined || this.closed || this.sent - partner.received >= WINDOW) return;
    const id = `m${this.index}-${this.sent}`;
    this.sent += 1;
    const request = this.acks ? `<r xmlns='${SM}'/>` : '';
    const body = '<body>how are you today?</body>';
    this.#send(
      `<message to='${partner.address}' type='chat' id='${id}'>${body}</message>${request}`,
    );
  }

  /** Asks something; the answer. */
  iq(payload: string, to: string): Promise<Element> {
    const id = `q${this.#stanzasSent}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.user}: no answer to ${id}`)), 10_000);
      this.#iqs.set(id, (element) => {
        clearTimeout(timer);
        this.#iqs.delete(id);
        resolve(element);
      });
      this.#send(`<iq type='get' id='${id}' to='${to}'>${payload}</iq>`);
    });
  }

  get everythingAcknowledged(): boolean {
    return !this.acks || this.acknowledged === this.#stanzasSent;
  }

  askForAcknowledgement(): void {
    if (this.acks) this.#socket?.write(`<r xmlns='${SM}'/>`);
  }

  end(): void {
    this.#socket?.destroy();
  }

  #take(text: string): void {
    for (const item of this.#reader.feed(text)) {
      if (item.kind === 'close') this.crowd.problem(`${this.user}: the stream was closed`);
      if (item.kind === 'element') this.#element(item.text, item.element);
    }
  }

  #element(text: string, element: Element): void {
    if (!this.#session) {
      this.#answer?.(element);
      return;
    }
    switch (element.name) {
      case 'message':
        this.#stanzasReceived += 1;
        this.#message(text);
        return;
      case 'presence':
        this.#stanzasReceived += 1;
        return;
      case 'iq':
        this.#stanzasReceived += 1;
        this.#iqs.get(String(element.attrs.id))?.(element);
        return;
      case 'a':
        this.acknowledged = Number(element.attrs.h);
        return;
      case 'r':
        this.#socket?.write(`<a xmlns='${SM}' h='${this.#stanzasReceived}'/>`);
        return;
      default:
        this.crowd.problem(`${this.user}: ${text}`);
    }
  }

  #message(text: string): void {
    const [, from, number] = MESSAGE.exec(text) ?? [];
    const isNext = Number(from) === this.partner?.index && Number(number) === this.received;
    if (isNext) this.received += 1;
    else this.crowd.problem(`${this.user} wanted message ${this.received}: ${text}`);
  }
}

/** All of them. */
export class Crowd {
  readonly chatters: Chatter[] = [];
  /** What should not have happened, the first of it. */
  readonly problems: string[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `users` share the connections; each talks to one of another user. */
  constructor(
    readonly endpoint: Endpoint,
    users: readonly string[],
    count: number,
  ) {
    for (let index = 0; index < count; index += 1) {
      const user = users[index % users.length] as string;
      this.chatters.push(new Chatter(this, index, user, index % 4 < 2));
    }
    for (const { index } of this.chatters) {
      const other = index % 2 === 0 ? index + 1 : index - 1;
      (this.chatters[index] as Chatter).partner = this.chatters[other] as Chatter;
    }
  }

  problem(what: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(what);
  }

  async login(parallel: number): Promise<void> {
    const waiting = this.chatters.values();
    const one = async (): Promise<void> => {
      for (const chatter of waiting) await chatter.login();
    };
    await Promise.all(Array.from({ length: parallel }, one));
  }

  /** Lets everybody say something in turn, so many times a second together. */
  chat(perSecond: number): void {
    let due = 0;
    let last = Date.now();
    this.#timer = setInterval(() => {
      const now = Date.now();
      // What a busy machine kept us from saying is not said all at once later.
      due = Math.min(due + ((now - last) * perSecond) / 1000, perSecond / 4);
      last = now;
      for (; due >= 1; due -= 1) {
        this.chatters[this.#next]?.talk();
        this.#next = (this.#next + 1) % this.chatters.length;
      }
    }, TICK_MS);
  }

  /** Stops talking and waits until everything has arrived and is acknowledged. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    for (const chatter of this.chatters) chatter.askForAcknowledgement();
    const deadline = Date.now() + 15_000;
    while (Date.now() < deadline && this.unfinished() > 0) await sleep(50);
  }

  /** How many have not got everything, or not been told that it is safe. */
  unfinished(): number {
    return this.chatters.filter(
      ({ partner, sent, everythingAcknowledged }) =>
        partner?.received !== sent || !everythingAcknowledged,
    ).length;
  }

  get sent(): number {
    return this.chatters.reduce((sum, { sent }) => sum + sent, 0);
  }

  /** Connections that are gone. */
  get lost(): number {
    return this.chatters.filter(({ closed }) => closed).length;
  }

  end(): void {
    clearInterval(this.#timer);
    for (const chatter of this.chatters) chatter.end();
  }
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
