// Phones for tests: numbers registered at a server with the development sender, the client library
// on them, and single streams of the compact protocol whose every step a test decides.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigInput } from '../../../src/config/schema.js';
import type { Element } from '../../../src/sdk/compact/element.js';
import {
  type Account,
  dialOf,
  type LoginFailed,
  type Message,
  MessageStore,
  openNodeDatabase,
  Registration,
  RookeryClient,
  type SqlDatabase,
  type Tick,
  webSocketDial,
} from '../../../src/sdk/index.js';
import { type KeyPair, keyPair } from '../../../src/sdk/noise/handshake.js';
import { accountKeys } from '../../../src/sdk/registration.js';
import { element, PROTOCOL_NS } from '../../../src/sdk/stanzas.js';
import {
  type LoggedIn,
  logIn,
  type SecureStream,
  type ServerKeys,
} from '../../../src/sdk/stream/secure-stream.js';
import { freePorts } from './free-ports.js';
import { TestServer } from './server.js';

const WAIT_MS = 15_000;
const LOOK_MS = 20;

/** How an account reaches its server. */
export type Way = 'TCP' | 'WebSocket';
export const WAYS: readonly Way[] = ['TCP', 'WebSocket'];

// For stories; no two tests of one server share a number.
let nextNumber = 100;
export const newNumber = (): string => `+1201555${String(nextNumber++).padStart(4, '0')}`;

/**
 * A server that phones can register at. Its ports stay the same when it is started again, as phones
 * remember them.
 */
export async function phoneServer(
  config: ConfigInput = {},
  accounts: readonly string[] = [],
): Promise<TestServer> {
  const [http, websocket, compact] = await freePorts(3);
  return TestServer.start({
    accounts,
    config: {
      http: { listen: `127.0.0.1:${http}` },
      websocket: { listen: [`127.0.0.1:${websocket}`], directTls: ['127.0.0.1:0'] },
      compact: { listen: [`127.0.0.1:${compact}`] },
      registration: {
        sender: 'development',
        limits: {
          resendSeconds: 1,
          perAddressPerHour: 1000,
          verificationsPerAddressPerHour: 1000,
        },
      },
      ...config,
    },
  });
}

/** Registers a number, as a phone does. */
export async function registered(
  server: TestServer,
  number = newNumber(),
  key: KeyPair = keyPair(),
): Promise<Account> {
  const registration = await Registration.start(server.httpUrl, number);
  assert.match(registration.developmentPin ?? '', /^\d{6}$/u);
  return registration.verify(registration.developmentPin ?? '', 'a phone', key);
}

/** Looks until `test` gives something that is neither false nor undefined. */
export async function eventually<Value>(
  what: string,
  test: () => Promise<Value | false | undefined> | Value | false | undefined,
  waitMs = WAIT_MS,
): Promise<Value> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const value = await test();
    if (value !== false && value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`not within ${waitMs} ms: ${what}`);
    await sleep(LOOK_MS);
  }
}

/** The client library on an account, and what it told. */
export class Phone {
  /** Texts in the order in which they were shown. */
  readonly shown: string[] = [];
  readonly messages: Message[] = [];
  readonly troubles: string[] = [];
  refused: LoginFailed | undefined;

  private constructor(readonly client: RookeryClient) {
    client.on('message', (message) => {
      this.shown.push(message.body);
      this.messages.push(message);
    });
    client.on('trouble', ({ message }) => this.troubles.push(message));
    client.on('refused', (why) => {
      this.refused = why;
    });
  }

  /** `database`: where its messages are kept. */
  static async open(
    account: Account,
    way: Way = 'TCP',
    database: SqlDatabase = openNodeDatabase(':memory:'),
  ): Promise<Phone> {
    const dial = way === 'TCP' ? dialOf(account) : webSocketDial(account.websocket[0] ?? '');
    const store = await MessageStore.open(database);
    return new Phone(await RookeryClient.open(account, store, dial));
  }

  get address(): string {
    return this.client.address;
  }

  /** Waits until messages can be sent at once. */
  async online(): Promise<this> {
    await eventually(`${this.address} is online; ${this.troubles.join('; ')}`, () => {
      return this.client.state === 'online';
    });
    return this;
  }

  /** Waits until the message has come that far, or farther. */
  async ticked(peer: string, id: string, tick: Tick): Promise<void> {
    const enough: Tick[] = (['accepted', 'delivered', 'read'] as const).slice(
      ['accepted', 'delivered', 'read'].indexOf(tick),
    );
    await eventually(`${id} is ${tick}`, async () => {
      const message = (await this.client.history(peer, 1000)).find((each) => each.id === id);
      return message?.tick !== undefined && enough.includes(message.tick);
    });
  }

  /** Waits until exactly these texts have been shown. */
  async shows(texts: readonly string[]): Promise<void> {
    await eventually(`${texts.length} texts are shown`, () => this.shown.length >= texts.length);
    assert.deepEqual(this.shown, texts);
  }
}

/** A stream of the compact protocol without the library's help. */
export class PhoneStream {
  readonly elements: Element[] = [];
  keepAlives = 0;
  closed: Error | undefined;

  private constructor(
    readonly stream: SecureStream,
    /** `<success/>` or what else the login was answered with. */
    readonly answer: Element,
    readonly learnt: LoggedIn,
  ) {
    stream.listen({
      onElement: (each) => this.elements.push(each),
      onKeepAlive: () => {
        this.keepAlives += 1;
      },
      onClose: (why) => {
        this.closed = why;
      },
    });
  }

  /** Logs in; `changes` replace what the account says. */
  static async open(
    account: Account,
    changes: {
      readonly login?: Readonly<Record<string, string>>;
      readonly key?: KeyPair;
      readonly keys?: ServerKeys;
      readonly way?: Way;
    } = {},
  ): Promise<PhoneStream> {
    const { deviceKey, noiseKey, identity } = accountKeys(account);
    const { user, device } = account;
    const login = { user, device: String(device), agent: 'test', ...changes.login };
    const done = await logIn(
      changes.way === 'WebSocket' ? webSocketDial(account.websocket[0] ?? '') : dialOf(account),
      element('login', PROTOCOL_NS, login),
      changes.key ?? deviceKey,
      changes.keys ?? { noiseKey, identity },
    );
    const opened = new PhoneStream(done.stream, done.answer, done);
    if (done.answer.name === 'success') done.stream.keepAlive();
    return opened;
  }

  /** The condition of a refused login. */
  get failure(): string {
    return conditionOf(this.answer);
  }

  /** Sends bytes where packets are expected. */
  sendRaw(bytes: Uint8Array): void {
    (this.stream as unknown as { write(plain: Uint8Array): void }).write(bytes);
  }

  /** The first element that fits, waiting for it if it is not here yet. */
  element(what: string, fits: (each: Element) => boolean): Promise<Element> {
    return eventually(what, () => this.elements.find(fits));
  }

  /** The condition of the stream error that ends it; empty when it ends without. */
  async ending(): Promise<string> {
    await eventually('the stream ends', () => this.closed !== undefined);
    const error = this.elements.find(({ name }) => name === 'error');
    return error === undefined ? '' : conditionOf(error);
  }
}

/** The name of the first child. */
export function conditionOf({ children }: Element): string {
  const first = children.find((child): child is Element => typeof child !== 'string');
  return first?.name ?? '';
}
