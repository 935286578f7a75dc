// An XMPP client over WebSocket (RFC 7395) on the npm package ws. Every message of the server's is
// parsed as the document of its own that it must be.

import type { Element } from 'ltx';
import { WebSocket } from 'ws';
import { parseXml } from '../../../src/base/xml.js';
import { Scram } from './scram.js';
import { PASSWORD } from './server.js';

const TIMEOUT_MS = 8000;
const SM = 'urn:xmpp:sm:3';
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
export const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing';

const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8');

export class WebSocketClient {
  readonly user: string;
  /** Stanzas received since stream management was enabled. */
  handled = 0;
  resumptionId = '';
  closeCode: number | undefined;
  readonly transcript: string[] = [];
  #socket: WebSocket | undefined;
  #queue: Element[] = [];
  #counting = false;
  #wake: (() => void) | undefined;

  constructor(user: string) {
    this.user = user;
  }

  get socket(): WebSocket {
    if (this.#socket === undefined) throw new Error('not connected');
    return this.#socket;
  }

  async connect(url: string): Promise<void> {
    const socket = new WebSocket(url, ['xmpp'], { rejectUnauthorized: false });
    this.#socket = undefined;
    this.#queue = [];
    this.#counting = false;
    this.closeCode = undefined;
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    if (socket.protocol !== 'xmpp') throw new Error(`subprotocol ${socket.protocol}`);
    this.#socket = socket;
    this.#listen(socket);
  }

  #listen(socket: WebSocket): void {
    socket.on('message', (data, binary) => {
      if (binary) throw new Error('a binary message');
      if (this.#socket === socket) this.#take(String(data));
    });
    socket.on('close', (code) => {
      if (this.#socket !== socket) return;
      this.closeCode = code;
      this.#wake?.();
    });
    socket.on('error', (error) => this.transcript.push(`! ${error.message}`));
  }

  #take(text: string): void {
    this.transcript.push(`< ${text}`);
    const element = parseXml(text);
    if (element.attrs.xmlns === undefined && !element.name.startsWith('stream:')) {
      throw new Error(`no namespace: ${text}`);
    }
    if (element.is('r', SM)) {
      this.send(`<a xmlns='${SM}' h='${this.handled}'/>`);
    } else if (!element.is('a', SM)) {
      if (this.#counting && ['message', 'presence', 'iq'].includes(element.name)) this.handled += 1;
      if (element.name === 'enabled' || element.name === 'resumed') this.#counting = true;
      if (element.name === 'enabled') this.handled = 0;
      this.#queue.push(element);
    }
    this.#wake?.();
  }

  send(text: string): void {
    this.transcript.push(`> ${text}`);
    this.socket.send(text);
  }

  /** The next element. */
  async element(): Promise<Element> {
    const deadline = Date.now() + TIMEOUT_MS;
    while (true) {
      const element = this.#queue.shift();
      if (element !== undefined) return element;
      const left = deadline - Date.now();
      if (left <= 0 || this.closeCode !== undefined) throw this.#failure('nothing more came');
      await this.#more(left);
    }
  }

  /** The next element for which the test holds; others are dropped. */
  async until(test: (element: Element) => boolean): Promise<Element> {
    while (true) {
      const element = await this.element();
      if (test(element)) return element;
    }
  }

  /** Waits until the WebSocket is closed; returns the code. */
  async closed(): Promise<number> {
    const deadline = Date.now() + TIMEOUT_MS;
    while (this.closeCode === undefined) {
      const left = deadline - Date.now();
      if (left <= 0) throw this.#failure('not closed');
      await this.#more(left);
    }
    return this.closeCode;
  }

  #more(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #failure(what: string): Error {
    return new Error(`${this.user}: ${what}\n  ${this.transcript.slice(-10).join('\n  ')}`);
  }

  /** Opens the stream, or opens it again; returns the features. */
  async open(): Promise<Element> {
    this.send(`<open xmlns='${FRAMING}' to='localhost' version='1.0'/>`);
    const open = await this.element();
    if (!open.is('open', FRAMING)) throw this.#failure('no <open/>');
    const features = await this.element();
    if (features.name !== 'stream:features') throw this.#failure('no features');
    return features;
  }

  /** Authenticates with SCRAM-SHA-1; returns the features behind it. */
  async authenticate(password = PASSWORD): Promise<Element> {
    const scram = new Scram('sha1', this.user, password);
    const first = encode(scram.first());
    this.send(`<auth xmlns='${SASL}' mechanism='SCRAM-SHA-1'>${first}</auth>`);
    const challenge = await this.element();
    const final = encode(scram.final(decode(challenge.getText())));
    this.send(`<response xmlns='${SASL}'>${final}</response>`);
    const outcome = await this.element();
    if (!outcome.is('success', SASL)) throw this.#failure('the login failed');
    return this.open();
  }

  /** Everything up to a session that is available. */
  async login(url: string, { acks = false, resource = 'web' } = {}): Promise<void> {
    await this.connect(url);
    await this.open();
    await this.authenticate();
    const wish = `<resource>${resource}</resource>`;
    const bind = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wish}</bind>`;
    this.send(`<iq xmlns='jabber:client' type='set' id='bind'>${bind}</iq>`);
    await this.until(({ attrs }) => attrs.id === 'bind' && attrs.type === 'result');
    if (acks) {
      this.send(`<enable xmlns='${SM}' resume='true'/>`);
      this.resumptionId = (await this.until(({ name }) => name === 'enabled')).attrs.id as string;
    }
    this.send("<presence xmlns='jabber:client'/>");
    await this.until(({ name }) => name === 'presence');
  }

  /** Takes the former stream up on a new connection. */
  async resume(url: string): Promise<Element> {
    await this.connect(url);
    await this.open();
    await this.authenticate();
    this.send(`<resume xmlns='${SM}' h='${this.handled}' previd='${this.resumptionId}'/>`);
    return this.until(({ name }) => ['resumed', 'failed'].includes(name));
  }

  say(to: string, body: string): void {
    const address = `${to}@localhost`;
    const text = `<body>${body}</body>`;
    this.send(`<message xmlns='jabber:client' type='chat' to='${address}'>${text}</message>`);
  }

  /** The body of the next message. */
  async heard(): Promise<string> {
    const message = await this.until(({ name }) => name === 'message');
    return message.getChildText('body') ?? '';
  }

  /** Closes the stream in order. */
  async logout(): Promise<number> {
    if (this.closeCode !== undefined) return this.closeCode;
    this.send(`<close xmlns='${FRAMING}'/>`);
    await this.until((element) => element.is('close', FRAMING));
    return this.closed();
  }

  /** Drops the connection without a word. */
  cut(): void {
    this.socket.terminate();
  }
}
