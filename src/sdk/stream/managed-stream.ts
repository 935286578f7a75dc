// Stanzas that are counted and acknowledged on both sides, and a stream that goes on after its
// connection broke (docs/PROTOCOL.md section 6.2). One object lives as long as the program; its
// connections come and go.

import type { Element } from '../compact/element.js';
import type { Dial } from '../links/link.js';
import type { KeyPair } from '../noise/handshake.js';
import { element, PROTOCOL_NS, STREAM_MANAGEMENT_NS } from '../stanzas.js';
import { placeOf, Redirected } from '../whereabouts.js';
import { type LoggedIn, logIn, type SecureStream, type ServerKeys } from './secure-stream.js';

/** Acknowledgements wait so long for company. */
const ACKNOWLEDGE_DELAY_MS = 100;
/** Without traffic for so long, the server is asked whether it is there. */
const KEEP_ALIVE_MS = 4 * 60_000;
const KEEP_ALIVE_ANSWER_MS = 20_000;
const MODULUS = 2 ** 32;

/** Where an earlier run of the program was: what it had handled of which stream. */
export interface StreamPosition {
  readonly id: string;
  readonly handled: number;
}

/** Who logs in. */
export interface Login {
  readonly user: string;
  readonly device: number;
  readonly deviceKey: KeyPair;
  readonly agent: string;
}

/** The server refused the login for good. */
export class LoginFailed extends Error {
  override readonly name = 'LoginFailed';
  constructor(
    /** The condition, e.g. `not-authorized`. */
    readonly condition: string,
  ) {
    super(
      condition === 'not-authorized'
        ? 'the server does not know this device (any more): register it again'
        : `the server refused the login: ${condition}`,
    );
  }
}

/** What a managed stream tells its owner. */
export interface ManagedListener {
  /**
   * A stanza came. The next one waits until this one is handled; `position` includes it. When it
   * rejects, the stanza counts as not received: the connection ends, and the server sends it again.
   */
  stanza(stanza: Element, position: StreamPosition): Promise<void>;
  /** The server has these stanzas safe. In the order in which they were sent. */
  accepted(stanzas: readonly Element[]): void;
  /** These were sent in a stream that is gone, and nobody knows whether they arrived. */
  unknown(stanzas: readonly Element[]): void;
  /** The connection is gone. */
  closed(why: Error): void;
}

/** One at a time; see the file's comment. */
export class ManagedStream {
  /** Of the server; known after the first login. */
  domain = '';
  /** `d` and the device's number. */
  resource = '';
  private stream: SecureStream | undefined;
  private id: string | undefined;
  private previous: StreamPosition | undefined;
  private window: Element[] = [];
  private acknowledged = 0;
  private received = 0;
  private handled = 0;
  private told = 0;
  private chain: Promise<void> = Promise.resolve();
  private acknowledgeTimer: ReturnType<typeof setTimeout> | undefined;
  private idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly login: Login,
    private readonly listener: ManagedListener,
    previous: StreamPosition | undefined,
  ) {
    this.previous = previous;
  }

  get connected(): boolean {
    return this.stream !== undefined;
  }

  /**
   * Dials and logs in. Resolves to what was learnt and whether the old stream goes on; throws
   * Redirected, LoginFailed, Refused, or what the network says.
   */
  async connect(dial: Dial, keys: ServerKeys): Promise<LoggedIn & { resumed: boolean }> {
    await this.chain;
    const result = await logIn(dial, this.loginElement(), this.login.deviceKey, keys);
    const { answer, stream } = result;
    if (answer.name !== 'success') {
      stream.close();
      if (answer.name === 'redirect') throw new Redirected(placeOf(answer.attributes));
      const reason = answer.children.find((child) => typeof child !== 'string');
      throw new LoginFailed(reason?.name ?? answer.name);
    }
    this.domain = answer.attributes.domain ?? '';
    this.resource = answer.attributes.resource ?? '';
    const resumed = answer.attributes.resumed === 'true';
    this.stream = stream;
    if (resumed) this.goOn(Number(answer.attributes.h));
    else this.beginAnew(answer.attributes.id ?? '');
    stream.listen({
      onElement: (each) => {
        // One that was given up may bring something still, which counts in no stream any more.
        if (this.stream === stream) this.take(each);
      },
      onKeepAlive: () => this.restIdle(),
      onClose: (why) => this.lost(stream, why),
    });
    this.restIdle();
    return { ...result, resumed };
  }

  /** Stanzas that were sent and that the server does not have safe, oldest first. */
  get unacknowledged(): readonly Element[] {
    return this.window;
  }

  /** Sends stanzas in one go. They must not be changed afterwards. */
  send(stanzas: readonly Element[]): void {
    if (this.stream === undefined) throw new Error('not connected');
    this.window.push(...stanzas);
    this.write(stanzas);
  }

  /** Sends elements that are not stanzas: they are not counted, and lost with the connection. */
  sendPlain(elements: readonly Element[]): void {
    this.write(elements);
  }

  /** Ends the stream in order, when what came is handled; it cannot be resumed. */
  async close(): Promise<void> {
    await this.chain;
    const { stream } = this;
    if (stream === undefined) return;
    // Behind <close/> nobody reads an acknowledgement.
    this.acknowledge();
    this.write([element('close', PROTOCOL_NS)]);
    this.lost(stream, new Error('closed by this side'));
    stream.close();
  }

  /** Lets go of the connection, as when the network breaks: the stream can be resumed. */
  interrupt(): void {
    this.stream?.close();
  }

  private loginElement(): Element {
    const { user, device, agent } = this.login;
    const attributes: Record<string, string> = { user, device: String(device), agent };
    if (this.id !== undefined) {
      attributes.previd = this.id;
      attributes.h = String(this.handled);
    } else if (this.previous !== undefined) {
      attributes.previd = this.previous.id;
      attributes.h = String(this.previous.handled);
      attributes.resume = 'false';
    }
    return element('login', PROTOCOL_NS, attributes);
  }

  private goOn(handledByServer: number): void {
    this.told = this.handled;
    this.received = this.handled;
    this.settle(handledByServer);
    if (this.window.length > 0) this.write(this.window);
    else this.stream?.keepAlive();
  }

  private beginAnew(id: string): void {
    const lost = this.window;
    this.window = [];
    this.id = id;
    this.previous = undefined;
    this.acknowledged = 0;
    this.received = 0;
    this.handled = 0;
    this.told = 0;
    // Something has to be sent at once, and the owner may have nothing to say.
    this.stream?.keepAlive();
    if (lost.length > 0) this.listener.unknown(lost);
  }

  private take(each: Element): void {
    this.restIdle();
    const { stream } = this;
    if (each.xmlns === 'jabber:client') {
      this.received = (this.received + 1) % MODULUS;
      const position = { id: this.id ?? '', handled: this.received };
      this.chain = this.chain
        .then(() => this.handle(each, position, stream))
        .catch((why: Error) => this.end(why));
    } else if (each.xmlns === STREAM_MANAGEMENT_NS && each.name === 'a') {
      this.settle(Number(each.attributes.h));
    } else if (each.xmlns === STREAM_MANAGEMENT_NS && each.name === 'r') {
      this.chain = this.chain.then(() => this.acknowledge());
    } else if (each.name === 'error') {
      const reason = each.children.find((child) => typeof child !== 'string');
      this.end(new Error(`the server ended the stream: ${reason?.name ?? 'unknown'}`));
    }
  }

  private async handle(
    stanza: Element,
    position: StreamPosition,
    stream: SecureStream | undefined,
  ): Promise<void> {
    // Behind one that could not be handled nothing is: the count says how many, not which.
    if (this.stream !== stream) return;
    await this.listener.stanza(stanza, position);
    if (this.id !== position.id) return;
    this.handled = position.handled;
    this.acknowledgeSoon();
  }

  private settle(handledByServer: number): void {
    const fresh = (handledByServer - this.acknowledged + MODULUS) % MODULUS;
    if (!(fresh <= this.window.length)) {
      this.end(new Error('the server acknowledged more than it was sent'));
      return;
    }
    this.acknowledged = handledByServer;
    const safe = this.window.splice(0, fresh);
    if (safe.length > 0) this.listener.accepted(safe);
  }

  private acknowledgeSoon(): void {
    this.acknowledgeTimer ??= setTimeout(() => this.acknowledge(), ACKNOWLEDGE_DELAY_MS);
  }

  private acknowledge(): void {
    this.write([]);
  }

  /** Writes elements, and with them the acknowledgement that is due. */
  private write(elements: readonly Element[]): void {
    clearTimeout(this.acknowledgeTimer);
    this.acknowledgeTimer = undefined;
    const due = this.told !== this.handled;
    this.told = this.handled;
    const answer = element('a', STREAM_MANAGEMENT_NS, { h: String(this.handled) });
    this.stream?.send(due ? [...elements, answer] : elements);
    this.restIdle();
  }

  private restIdle(): void {
    clearTimeout(this.idleTimer);
    if (this.stream === undefined) return;
    this.idleTimer = setTimeout(() => {
      this.stream?.keepAlive();
      this.idleTimer = setTimeout(() => this.interrupt(), KEEP_ALIVE_ANSWER_MS);
    }, KEEP_ALIVE_MS);
  }

  private end(why: Error): void {
    const { stream } = this;
    if (stream === undefined) return;
    this.lost(stream, why);
    stream.close();
  }

  private lost(stream: SecureStream, why: Error): void {
    if (this.stream !== stream) return;
    this.stream = undefined;
    clearTimeout(this.acknowledgeTimer);
    this.acknowledgeTimer = undefined;
    clearTimeout(this.idleTimer);
    this.listener.closed(why);
  }
}
