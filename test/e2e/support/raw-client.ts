// A client that says exactly what a test wants and remembers everything it hears. Helpers log in,
// enable stream management and resume; nothing is hidden, so that a test can do each step wrongly.

import { connect as connectTcp, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { Element } from 'ltx';
import { Scram } from './scram.js';
import { StanzaReader, type StreamItem } from './stanza-reader.js';

export interface Endpoint {
  readonly domain: string;
  readonly host: string;
  readonly port: number;
  readonly tlsPort: number;
}

export type Security = 'none' | 'starttls' | 'direct';
export type Mechanism = 'PLAIN' | 'SCRAM-SHA-1' | 'SCRAM-SHA-256';

export interface LoginOptions {
  readonly security?: Security;
  readonly mechanism?: Mechanism;
  readonly password?: string;
  readonly resource?: string;
  /** Enable XEP-0198 with resumption. */
  readonly acks?: boolean;
  /** Send initial presence. */
  readonly presence?: boolean;
  readonly priority?: number;
}

const DEFAULT_TIMEOUT_MS = 8000;
const SM = 'urn:xmpp:sm:3';
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';

export class RawClient {
  /** Where it connects; a server that was started again has other ports. */
  endpoint: Endpoint;
  readonly user: string;
  /** Everything received, for messages about failures. */
  readonly transcript: string[] = [];
  /** Answer `<r/>` with `<a/>` without being asked to. */
  answerRequests = true;
  /** Stanzas received since stream management was enabled. */
  handled = 0;
  /** What names this session for a resumption. */
  resumptionId = '';
  /** The server's last `<a h/>`. */
  acknowledged = 0;
  address = '';
  closed = false;
  streamClosed = false;
  onElement: ((element: Element) => void) | undefined;
  onClosed: (() => void) | undefined;

  #socket: Socket | undefined;
  #reader = new StanzaReader();
  #decoder = new StringDecoder('utf8');
  #queue: StreamItem[] = [];
  #wake: (() => void) | undefined;
  #counting = false;

  constructor(endpoint: Endpoint, user: string) {
    this.endpoint = endpoint;
    this.user = user;
  }

  /** Opens the connection; with `direct` also the TLS. */
  async connect(security: Security = 'none'): Promise<void> {
    const { host, port, tlsPort } = this.endpoint;
    this.closed = false;
    this.streamClosed = false;
    this.#queue = [];
    this.#counting = false;
    if (security === 'direct') {
      const options = { host, port: tlsPort, rejectUnauthorized: false };
      const socket = connectTls({ ...options, servername: this.endpoint.domain });
      await this.#adopt(socket, 'secureConnect');
    } else {
      await this.#adopt(connectTcp({ host, port }), 'connect');
    }
  }

  async #adopt(socket: Socket, readyEvent: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      socket.once(readyEvent, resolve);
      socket.once('error', reject);
    });
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    this.#socket = socket;
    this.#restartReader();
    socket.setNoDelay(true);
    socket.removeAllListeners('error');
    socket.on('error', (error) => this.transcript.push(`! ${error.message}`));
    socket.on('data', (bytes: Buffer) => {
      if (this.#socket === socket) this.#take(bytes);
    });
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.closed = true;
      this.#wake?.();
      this.onClosed?.();
    });
  }

  #restartReader(): void {
    this.#reader = new StanzaReader();
    this.#decoder = new StringDecoder('utf8');
  }

  #take(bytes: Buffer): void {
    const text = this.#decoder.write(bytes);
    this.transcript.push(`< ${text}`);
    for (const item of this.#reader.feed(text)) {
      if (item.kind === 'close') this.streamClosed = true;
      if (item.kind !== 'element' || !this.#isManagement(item.element)) this.#deliver(item);
    }
    this.#wake?.();
  }

  #deliver(item: StreamItem): void {
    if (item.kind === 'element') {
      const stanza = ['message', 'presence', 'iq'].includes(item.element.name);
      if (stanza && this.#counting) this.handled += 1;
      if (item.element.name === 'enabled' || item.element.name === 'resumed') {
        this.#counting = true;
        if (item.element.name === 'enabled') this.handled = 0;
      }
      if (this.onElement !== undefined) {
        this.onElement(item.element);
        return;
      }
    }
    this.#queue.push(item);
  }

  // Requests are answered here; a test that wants to see them sets answerRequests to false.
  #isManagement(element: Element): boolean {
    if (element.attrs.xmlns !== SM) return false;
    if (element.name === 'a') this.acknowledged = Number(element.attrs.h);
    if (element.name !== 'r' || !this.answerRequests) return false;
    this.acknowledge();
    return true;
  }

  /** Says how many stanzas were handled. */
  acknowledge(): void {
    this.send(`<a xmlns='${SM}' h='${this.handled}'/>`);
  }

  send(bytes: string | Buffer): void {
    const shown = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
    this.transcript.push(`> ${shown.length > 2000 ? `${shown.slice(0, 2000)}…` : shown}`);
    this.#socket?.write(bytes);
  }

  /** The next item, whatever it is. */
  async next(timeoutMs = DEFAULT_TIMEOUT_MS): Promise<StreamItem> {
    const deadline = Date.now() + timeoutMs;
    while (this.#queue.length === 0) {
      const left = deadline - Date.now();
      if (this.closed) throw this.failure('the connection was closed');
      if (left <= 0) throw this.failure(`nothing came within ${timeoutMs} ms`);
      await this.#waitForMore(left);
    }
    return this.#queue.shift() as StreamItem;
  }

  #waitForMore(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  /** The next element; anything else is a failure. */
  async element(timeoutMs = DEFAULT_TIMEOUT_MS): Promise<Element> {
    const item = await this.next(timeoutMs);
    if (item.kind === 'element') return item.element;
    throw this.failure(`wanted an element, got a stream's ${item.kind}`);
  }

  /** The next element for which the test holds; others are dropped. */
  async until(test: (element: Element) => boolean, timeoutMs?: number): Promise<Element> {
    while (true) {
      const element = await this.element(timeoutMs);
      if (test(element)) return element;
    }
  }

  /** Waits until the server has closed the connection. */
  async waitClosed(timeoutMs = DEFAULT_TIMEOUT_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!this.closed) {
      const left = deadline - Date.now();
      if (left <= 0) throw this.failure('the connection was not closed');
      await this.#waitForMore(left);
    }
  }

  /** An item that came already, without waiting. */
  poll(): StreamItem | undefined {
    return this.#queue.shift();
  }

  failure(what: string): Error {
    const heard = this.transcript.slice(-12).join('\n  ');
    return new Error(`${this.user}: ${what}\n  ${heard}\n  pending: ${this.#reader.pending}`);
  }

  header(to = this.endpoint.domain): string {
    return (
      `<?xml version='1.0'?><stream:stream to='${to}' version='1.0' xmlns='jabber:client' ` +
      `xmlns:stream='http://etherx.jabber.org/streams'>`
    );
  }

  /** Opens a stream and returns the features. */
  async openStream(): Promise<Element> {
    this.#restartReader();
    this.send(this.header());
    const open = await this.next();
    if (open.kind !== 'open') throw this.failure('no stream header');
    return this.element();
  }

  /** Upgrades an open stream to TLS; no stream is open behind it. */
  async startTls(): Promise<void> {
    this.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    const answer = await this.element();
    if (answer.name !== 'proceed') throw this.failure('STARTTLS was refused');
    const plain = this.#socket as Socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('close');
    const options = { rejectUnauthorized: false, servername: this.endpoint.domain };
    await this.#adopt(connectTls({ socket: plain, ...options }), 'secureConnect');
  }

  /** Authenticates on an open stream and opens the next one; returns its features. */
  async authenticate(mechanism: Mechanism = 'SCRAM-SHA-1', password = 'secret'): Promise<Element> {
    const outcome = await this.tryAuthenticate(mechanism, password);
    if (outcome.name !== 'success') throw this.failure('the login failed');
    return this.openStream();
  }

  /** Authenticates and returns `<success/>` or `<failure/>`. */
  async tryAuthenticate(mechanism: Mechanism, password: string): Promise<Element> {
    const auth = (payload: string) =>
      `<auth xmlns='${SASL}' mechanism='${mechanism}'>${encode(payload)}</auth>`;
    if (mechanism === 'PLAIN') {
      this.send(auth(`\0${this.user}\0${password}`));
      return this.element();
    }
    const scram = new Scram(mechanism === 'SCRAM-SHA-1' ? 'sha1' : 'sha256', this.user, password);
    this.send(auth(scram.first()));
    const challenge = await this.element();
    if (challenge.name !== 'challenge') return challenge;
    const final = scram.final(decode(challenge.getText()));
    this.send(`<response xmlns='${SASL}'>${encode(final)}</response>`);
    const outcome = await this.element();
    if (outcome.name === 'success' && !scram.verify(decode(outcome.getText()))) {
      throw this.failure('the server did not prove that it knows the password');
    }
    return outcome;
  }

  /** Everything up to an authenticated stream. */
  async authenticatedStream(options: LoginOptions = {}): Promise<void> {
    const security = options.security ?? 'none';
    await this.connect(security);
    await this.openStream();
    if (security === 'starttls') {
      await this.startTls();
      await this.openStream();
    }
    await this.authenticate(options.mechanism, options.password);
  }

  /** Binds a resource; returns the full address. */
  async bind(resource: string): Promise<string> {
    const wish = resource === '' ? '' : `<resource>${resource}</resource>`;
    const bind = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wish}</bind>`;
    this.send(`<iq type='set' id='bind'>${bind}</iq>`);
    const result = await this.until((element) => element.attrs.id === 'bind');
    if (result.attrs.type !== 'result') throw this.failure('no resource was bound');
    this.address = result.getChild('bind')?.getChildText('jid') ?? '';
    return this.address;
  }

  /** Enables stream management with resumption. */
  async enableAcks(): Promise<void> {
    this.send(`<enable xmlns='${SM}' resume='true'/>`);
    const enabled = await this.until((element) => ['enabled', 'failed'].includes(element.name));
    if (enabled.name !== 'enabled') throw this.failure('stream management was refused');
    this.resumptionId = enabled.attrs.id as string;
  }

  /** Connects and logs in, to the point that the options say. */
  async login(options: LoginOptions = {}): Promise<void> {
    await this.authenticatedStream(options);
    await this.bind(options.resource ?? 'r');
    if (options.acks) await this.enableAcks();
    if (options.presence ?? true) {
      const priority = options.priority === undefined ? '' : String(options.priority);
      this.send(
        priority === '' ? '<presence/>' : `<presence><priority>${priority}</priority></presence>`,
      );
    }
  }

  /** Takes the former stream up on a new connection; returns `<resumed/>` or `<failed/>`. */
  async resume(options: LoginOptions = {}): Promise<Element> {
    await this.authenticatedStream(options);
    this.send(`<resume xmlns='${SM}' h='${this.handled}' previd='${this.resumptionId}'/>`);
    return this.until((element) => ['resumed', 'failed'].includes(element.name));
  }

  /**
   * Asks for the former stream on one that is authenticated. What follows the answer goes to the
   * handler, so that nothing that comes with it is missed.
   */
  requestResumption(handler: (element: Element) => void): Promise<Element> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(this.failure('no answer to the resumption'));
      }, DEFAULT_TIMEOUT_MS);
      this.onClosed = () => reject(this.failure('closed instead of resumed'));
      this.onElement = (element) => {
        clearTimeout(timer);
        this.onClosed = undefined;
        this.onElement = element.name === 'resumed' ? handler : undefined;
        resolve(element);
      };
      this.send(`<resume xmlns='${SM}' h='${this.handled}' previd='${this.resumptionId}'/>`);
    });
  }

  /** Closes the stream in order and waits for the server's end of it. */
  async logout(): Promise<void> {
    if (this.closed) return;
    this.send('</stream:stream>');
    await this.waitClosed(2000).catch(() => this.cut());
  }

  /** Drops the connection without a word. */
  cut(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.closed = true;
    // A TLS socket cannot be reset; to the server an abrupt end looks the same.
    if (socket instanceof TLSSocket) socket.destroy();
    else socket?.resetAndDestroy();
  }

  /** Stops reading, or goes on. */
  pause(paused: boolean): void {
    if (paused) this.#socket?.pause();
    else this.#socket?.resume();
  }
}

const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8');
