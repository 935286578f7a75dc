// How the people of a crash round reach their server: as XMPP clients with stream management, or as
// devices of the compact protocol with the client library's stream. Both take a former stream up
// where the server still knows it, say what they have handled, and tell what the server has safe.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Element as XmlElement } from 'ltx';
import type { Element } from '../../../src/sdk/compact/element.js';
import { type Account, dialOf, webSocketDial } from '../../../src/sdk/index.js';
import type { Dial, Link } from '../../../src/sdk/links/link.js';
import { accountKeys } from '../../../src/sdk/registration.js';
import { CLIENT_NS, child, element, textOf } from '../../../src/sdk/stanzas.js';
import { ManagedStream, type StreamPosition } from '../../../src/sdk/stream/managed-stream.js';
import type { Way } from './phone.js';
import type { SeededRandom } from './random.js';
import { type Endpoint, RawClient } from './raw-client.js';

const ACK_REQUEST = "<r xmlns='urn:xmpp:sm:3'/>";
const HANDLED_LIMIT = 2 ** 31;
const GOODBYE_MS = 2000;
// Of the devices' logins: the server's key is not known any more, or the program was started anew.
const FORGETFUL_PARTS = 3;
// Every so many devices take their time to write a message down, at most so long.
const SLOW_PARTS = 3;
const SLOW_MS = 5;

/** A message to be sent. */
export interface Outgoing {
  readonly to: string;
  readonly id: string;
  readonly body: string;
}

/** What a line tells the one whose it is. */
export interface LineOwner {
  /** A message was handled: its text, to be written down at once. */
  handled(body: string): void;
  /** A message came back. */
  refused(what: string): void;
  /** The server has so many more of the messages safe, in the order in which they were sent. */
  safe(count: number): void;
}

/** One user's way to the server; connections come and go. */
export interface Line {
  readonly user: string;
  readonly protocol: 'XMPP' | 'compact';
  /**
   * Takes the former stream up and sends again what it had not safe, or begins a new one, where the
   * owner has to send again whatever is not safe; says which.
   */
  reconnect(owner: LineOwner): Promise<'resumed' | 'anew'>;
  send(messages: readonly Outgoing[]): void;
  /** Drops the connection without a word. */
  cut(): void;
  logout(): Promise<void>;
  /** What happened last, for messages about failures. */
  failure(what: string): Error;
}

/** An XMPP client. */
export class XmppLine implements Line {
  readonly protocol = 'XMPP';
  readonly #endpoint: () => Endpoint;
  #client: RawClient;
  // Stanzas that are not acknowledged yet; undefined stands for one that is no message.
  #window: (Outgoing | undefined)[] = [];
  #acknowledged = 0;

  constructor(
    endpoint: () => Endpoint,
    readonly user: string,
  ) {
    this.#endpoint = endpoint;
    this.#client = new RawClient(endpoint(), user);
  }

  async reconnect(owner: LineOwner): Promise<'resumed' | 'anew'> {
    const former = this.#client;
    former.cut();
    const client = new RawClient(this.#endpoint(), this.user);
    this.#client = client;
    await client.authenticatedStream();
    if (former.resumptionId !== '') {
      client.handled = former.handled;
      client.resumptionId = former.resumptionId;
      const answer = await client.requestResumption((each) => this.#take(each, owner));
      // A server that does not know the stream any more may still know how far it was, roughly.
      const handled = Number(answer.attrs.h ?? 0);
      if (answer.name === 'resumed' || handled > this.#acknowledged) this.#settle(handled, owner);
      if (answer.name === 'resumed') {
        this.#write(this.#window.filter((entry) => entry !== undefined));
        return 'resumed';
      }
    }
    await client.bind('r');
    await client.enableAcks();
    client.onElement = (each) => this.#take(each, owner);
    client.send('<presence/>');
    this.#window = [undefined];
    this.#acknowledged = 0;
    return 'anew';
  }

  send(messages: readonly Outgoing[]): void {
    this.#window.push(...messages);
    this.#write(messages);
  }

  #write(messages: readonly Outgoing[]): void {
    const { domain } = this.#client.endpoint;
    const stanzas = messages.map(({ to, id, body }) => {
      const content = `<body>${body}</body>`;
      return `<message to='${to}@${domain}' type='chat' id='${id}'>${content}</message>`;
    });
    this.#client.send(stanzas.join('') + ACK_REQUEST);
  }

  #take(each: XmlElement, owner: LineOwner): void {
    if (each.name === 'a') this.#settle(Number(each.attrs.h), owner);
    if (each.name !== 'message') return;
    if (each.attrs.type === 'error') owner.refused(each.toString());
    else owner.handled(each.getChildText('body') ?? each.toString());
  }

  #settle(handled: number, owner: LineOwner): void {
    const fresh = (handled - this.#acknowledged) >>> 0;
    if (fresh > this.#window.length || fresh >= HANDLED_LIMIT) {
      throw this.failure(`the server acknowledges ${handled}, more than was sent`);
    }
    this.#acknowledged = handled;
    owner.safe(this.#window.splice(0, fresh).filter((entry) => entry !== undefined).length);
  }

  cut(): void {
    this.#client.cut();
  }

  logout(): Promise<void> {
    return this.#client.logout();
  }

  failure(what: string): Error {
    return this.#client.failure(what);
  }
}

/**
 * A device. Some are slow to write down what comes: what such a one has not written down when its
 * connection breaks, it has not handled, and wants again. Some of their programs are started anew
 * while they are away: those know how far they had come in which stream, and do not resume it.
 */
export class CompactLine implements Line {
  readonly protocol = 'compact';
  readonly user: string;
  readonly #account: Account;
  readonly #dial: Dial;
  readonly #random: SeededRandom;
  readonly #slow: boolean;
  #program: Program | undefined;
  #ended = 'not connected yet';

  constructor(account: Account, way: Way, random: SeededRandom) {
    this.user = account.user;
    this.#account = account;
    this.#dial = way === 'TCP' ? dialOf(account) : webSocketDial(account.websocket[0] ?? '');
    this.#random = random;
    this.#slow = random.below(SLOW_PARTS) === 0;
  }

  async reconnect(owner: LineOwner): Promise<'resumed' | 'anew'> {
    this.cut();
    const former = this.#program;
    if (former === undefined || this.#random.below(FORGETFUL_PARTS) === 0) {
      this.#program = new Program(this.#account, owner, former?.position, () => this.#pause());
    }
    const program = this.#program as Program;
    program.ended = (why) => {
      this.#ended = why;
    };
    const { noiseKey, identity } = accountKeys(this.#account);
    const known = this.#random.below(FORGETFUL_PARTS) === 0 ? undefined : noiseKey;
    const way = await program.connect(this.#dial, { noiseKey: known, identity });
    if (way === 'anew') program.stream.send([element('presence', CLIENT_NS)]);
    return way;
  }

  // The machine's timing is not repeated by a seed, so this need not be either.
  async #pause(): Promise<void> {
    if (this.#slow) await sleep(Math.random() * SLOW_MS);
  }

  send(messages: readonly Outgoing[]): void {
    const { domain } = this.#account;
    this.#program?.send(
      messages.map(({ to, id, body }) =>
        element(
          'message',
          CLIENT_NS,
          { to: `${to}@${domain}`, id, type: 'chat' },
          element('body', CLIENT_NS, {}, body),
        ),
      ),
    );
  }

  cut(): void {
    this.#program?.cut();
  }

  async logout(): Promise<void> {
    await this.#program?.logout();
  }

  failure(what: string): Error {
    const { stream } = this.#program ?? {};
    const unsafe = stream?.unacknowledged.length ?? 0;
    const state = stream?.connected === true ? 'connected' : this.#ended;
    return new Error(`${this.user}: ${what}; ${state}, ${unsafe} stanzas without acknowledgement`);
  }
}

/** One run of a device's program, with what it keeps in memory. */
class Program {
  readonly stream: ManagedStream;
  /** What it has handled of which stream; a program that is started later reads it. */
  position: StreamPosition | undefined;
  ended: (why: string) => void = () => undefined;
  #link: CuttableLink | undefined;

  constructor(
    account: Account,
    private readonly owner: LineOwner,
    position: StreamPosition | undefined,
    private readonly pause: () => Promise<void>,
  ) {
    this.position = position;
    const { user, device } = account;
    const { deviceKey } = accountKeys(account);
    this.stream = new ManagedStream(
      { user, device, deviceKey, agent: 'crash' },
      {
        stanza: (stanza, where) => this.#take(stanza, where),
        accepted: (stanzas) => owner.safe(stanzas.filter(({ name }) => name === 'message').length),
        // The owner knows what it has sent.
        unknown: () => undefined,
        closed: ({ message }) => this.ended(message),
      },
      position,
    );
  }

  async connect(
    dial: Dial,
    keys: Parameters<ManagedStream['connect']>[1],
  ): Promise<'resumed' | 'anew'> {
    const { resumed } = await this.stream.connect(async (signal) => {
      this.#link = new CuttableLink(await dial(signal));
      return this.#link;
    }, keys);
    return resumed ? 'resumed' : 'anew';
  }

  // Without its server nobody hears what it says; it is sent again in the next stream.
  send(stanzas: readonly Element[]): void {
    if (this.stream.connected) this.stream.send(stanzas);
  }

  async #take(stanza: Element, position: StreamPosition): Promise<void> {
    const link = this.#link;
    if (stanza.name === 'message') {
      await this.pause();
      if (link?.cut === true) throw new Error('the program is gone');
      const body = child(stanza, 'body', CLIENT_NS);
      if (stanza.attributes.type === 'error') this.owner.refused(JSON.stringify(stanza));
      else this.owner.handled(body === undefined ? JSON.stringify(stanza) : textOf(body));
    }
    this.position = position;
  }

  cut(): void {
    this.#link?.drop();
  }

  async logout(): Promise<void> {
    await this.stream.close();
    await Promise.race([this.#link?.closed, sleep(GOODBYE_MS)]);
  }
}

/** A link that can be cut: from then on nothing comes and nothing goes, whatever is on its way. */
class CuttableLink implements Link {
  onBytes: Link['onBytes'] = () => undefined;
  onClose: Link['onClose'] = () => undefined;
  cut = false;
  readonly closed: Promise<void>;

  constructor(private readonly inner: Link) {
    inner.onBytes = (bytes) => {
      if (!this.cut) this.onBytes(bytes);
    };
    this.closed = new Promise((resolve) => {
      inner.onClose = (why) => {
        this.cut = true;
        this.onClose(why);
        resolve();
      };
    });
  }

  send(bytes: Uint8Array): void {
    if (!this.cut) this.inner.send(bytes);
  }

  close(): void {
    this.inner.close();
  }

  drop(): void {
    this.cut = true;
    this.inner.close();
  }
}
