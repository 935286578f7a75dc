// The client: logs in and stays logged in, sends and keeps messages, tells of ticks, typing and
// presence. Runs in Node and in browsers.

import type { Element } from './compact/element.js';
import * as devices from './devices.js';
import { Emitter } from './emitter.js';
import { type Activity, type Meaning, type Understood, understand } from './incoming.js';
import type { Dial } from './links/link.js';
import { toBase64 } from './noise/bytes.js';
import * as people from './people.js';
import { Reconnector } from './reconnector.js';
import { type Account, accountKeys } from './registration.js';
import * as stanzas from './stanzas.js';
import type { Chat, Message, MessageStore, Queued } from './store/message-store.js';
import { LoginFailed, ManagedStream, type StreamPosition } from './stream/managed-stream.js';
import { Whereabouts } from './whereabouts.js';

const REQUEST_TIMEOUT_MS = 30_000;
const ERRORS_NS = 'urn:ietf:params:xml:ns:xmpp-stanzas';
const AGENT = 'Rookery client';

/** Whether messages can be sent at once. */
export type ConnectionState = 'offline' | 'connecting' | 'online';

/** What a client tells. */
export interface ClientEvents {
  state: ConnectionState;
  /** A new message, from the other side or from another device of this user. */
  message: Message;
  /** A message has changed: its tick, its text. */
  change: Message;
  activity: { peer: string; activity: Activity };
  presence: { peer: string; online: boolean };
  /** A list was changed, on this or another device; told once the list has been asked for. */
  list: people.PeopleList;
  /** An attempt to connect failed, or the connection broke; another one follows by itself. */
  trouble: Error;
  /** The server does not accept this device any more. No further attempt is made. */
  refused: LoginFailed;
}

/** When somebody was last here; undefined when they do not tell. */
export type LastSeen = { online: true } | { online: false; at: Date } | undefined;

/** An error that somebody answered a request with. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  constructor(
    /** The condition of RFC 6120 section 8.3.3, e.g. `item-not-found`. */
    readonly condition: string,
    /** When to try again, if the other side said so. */
    readonly retryAfterSeconds?: number,
    /** What the other side says, for people; may be empty. */
    readonly text = '',
  ) {
    super(`the request was refused: ${text === '' ? condition : text}`);
  }
}

interface Waiting {
  resolve(answer: Element): void;
  reject(why: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

/** One account on one device. Close it when it is not needed any more. */
export class RookeryClient extends Emitter<ClientEvents> {
  /** This user's bare address. */
  readonly address: string;
  private readonly stream: ManagedStream;
  private readonly reconnector: Reconnector;
  private readonly whereabouts: Whereabouts;
  private readonly requests = new Map<string, Waiting>();
  private current: ConnectionState = 'offline';

  private constructor(
    private readonly account: Account,
    private readonly store: MessageStore,
    dial: Dial,
    position: StreamPosition | undefined,
  ) {
    super();
    this.address = `${account.user}@${account.domain}`;
    const { deviceKey } = accountKeys(account);
    this.stream = new ManagedStream(
      { user: account.user, device: account.device, deviceKey, agent: AGENT },
      {
        stanza: (stanza, at) => this.take(stanza, at),
        // What could not be noted is sent again in the next stream, and recognised.
        accepted: (safe) =>
          void this.inOrder(() => this.accepted(safe)).catch((why) => this.emit('trouble', why)),
        // Messages are in the store and are sent again from there; the rest had its time.
        unknown: () => undefined,
        closed: (why) => this.lost(why),
      },
      position,
    );
    this.whereabouts = new Whereabouts(dial, store);
    this.reconnector = new Reconnector(() => this.connect());
  }

  /** Opens the client and begins to connect. `dial`: how to reach the server. */
  static async open(account: Account, store: MessageStore, dial: Dial): Promise<RookeryClient> {
    const client = new RookeryClient(account, store, dial, await store.position());
    client.reconnector.start();
    return client;
  }

  get state(): ConnectionState {
    return this.current;
  }

  /**
   * Sends a text. `to`: a phone number with its country code (`+49 170 …`) or an address. Resolves
   * once the message is stored here; it is sent as soon as the client is online, and its ticks come
   * as `change` events.
   */
  async send(to: string, body: string): Promise<Message> {
    if (body === '') throw new TypeError('the text of a message is empty');
    return this.submit(this.addressOf(to), { body, form: 'text', target: undefined });
  }

  /** Replaces the text of an own message, for everybody. */
  async edit(message: Message, body: string): Promise<void> {
    if (!message.mine) throw new TypeError('only own messages can be edited');
    await this.submit(message.peer, { body, form: 'correction', target: message.id });
    this.tell(await this.store.edit(message.peer, true, message.id, body));
  }

  /** Takes an own message back, for everybody. */
  async retract(message: Message): Promise<void> {
    if (!message.mine) throw new TypeError('only own messages can be taken back');
    await this.submit(message.peer, { body: '', form: 'retraction', target: message.id });
    this.tell(await this.store.retract(message.peer, true, message.id));
  }

  /** This user has read the chat; the other side sees it. */
  async markRead(peer: string): Promise<void> {
    await this.store.see(this.addressOf(peer));
    await this.inOrder(() => this.sendOwed());
  }

  /** Shows the other side what this user does. Nothing happens while offline. */
  typing(peer: string, activity: Activity): void {
    const state = activity === 'typing' ? 'composing' : activity;
    if (this.stream.connected) {
      this.stream.send([stanzas.chatState(this.addressOf(peer), state)]);
    }
  }

  /** When somebody was last here. */
  async lastSeen(peer: string): Promise<LastSeen> {
    try {
      const answer = await this.request('get', stanzas.element('query', stanzas.LAST_NS), peer);
      const seconds = Number(answer?.attributes.seconds);
      if (seconds === 0) return { online: true };
      return { online: false, at: new Date(Date.now() - seconds * 1000) };
    } catch (error) {
      if (error instanceof RequestFailed) return undefined;
      throw error;
    }
  }

  /** What somebody says of themselves, as far as they show it; of this user without `peer`. */
  async profile(peer?: string): Promise<people.Profile> {
    const own = peer === undefined || this.addressOf(peer) === this.address;
    try {
      const ask = stanzas.element('profile', people.PROFILE_NS);
      return people.readProfile(await this.request('get', ask, own ? undefined : peer));
    } catch (error) {
      if (error instanceof RequestFailed && error.condition === 'service-unavailable') return {};
      throw error;
    }
  }

  /** Changes this user's profile: what is not named stays. */
  async setProfile(change: people.ProfileChange): Promise<void> {
    await this.request('set', people.profileChange(change));
  }

  /** Who sees what of this user. */
  async privacy(): Promise<people.Privacy> {
    const ask = stanzas.element('privacy', people.PRIVACY_NS);
    return people.readPrivacy(await this.request('get', ask));
  }

  /** Changes who sees what: what is not named stays. */
  async setPrivacy(change: Partial<people.Privacy>): Promise<void> {
    await this.request('set', people.privacyChange(change));
  }

  /** The contact list, which the server keeps: who is in it counts as a contact for privacy. */
  async contacts(): Promise<people.Contact[]> {
    return people.readContacts(
      await this.request('get', stanzas.element('query', stanzas.ROSTER_NS)),
    );
  }

  /** Puts somebody into the contact list, or renames them. */
  async addContact(peer: string, name = ''): Promise<void> {
    await this.request('set', people.contactChange(this.addressOf(peer), name));
  }

  async removeContact(peer: string): Promise<void> {
    await this.request('set', people.contactChange(this.addressOf(peer), undefined));
  }

  /**
   * Which of these numbers (with their country codes) are registered here. The server gets hashes
   * of them, from which it can find the numbers if it wants to (docs/PROTOCOL.md section 6.6).
   * Throws RequestFailed with `retryAfterSeconds` when it was asked too much.
   */
  async discover(numbers: readonly string[]): Promise<people.Found[]> {
    const { domain } = this.account;
    const ask = stanzas.element('discovery', people.DISCOVERY_NS);
    const rules = people.readRules(await this.request('get', ask, domain));
    const byDigits = new Map(numbers.map((each) => [each.replace(/[^0-9]/gu, ''), each]));
    byDigits.delete('');
    const digits = [...byDigits.keys()];
    const found: people.Found[] = [];
    for (let at = 0; at < digits.length; at += rules.maxNumbers) {
      const batch = digits.slice(at, at + rules.maxNumbers);
      const answer = await this.request('get', people.findNumbers(batch, rules), domain);
      for (const peer of people.readFound(answer)) {
        const number = byDigits.get(peer.split('@')[0] ?? '');
        if (number !== undefined) found.push({ number, peer });
      }
    }
    return found;
  }

  /** Blocks somebody: nothing of theirs arrives, and they do not see this user. */
  async block(peer: string): Promise<void> {
    await this.blocking('block', peer);
  }

  async unblock(peer: string): Promise<void> {
    await this.blocking('unblock', peer);
  }

  /** Who is blocked. */
  async blocked(): Promise<string[]> {
    const list = await this.request('get', stanzas.element('blocklist', stanzas.BLOCKING_NS));
    return (list?.children ?? [])
      .filter((each): each is Element => typeof each !== 'string')
      .map((item) => item.attributes.jid ?? '');
  }

  /** The devices of this account. Works without a connection; throws RegistrationError. */
  devices(): Promise<devices.Device[]> {
    return devices.listDevices(this.account);
  }

  /** Removes a device of this account; this one, too. Throws RegistrationError. */
  removeDevice(id: number): Promise<void> {
    return devices.removeDevice(this.account, id);
  }

  /** Asks for the code that another device joins this account with (`joinAccount`). */
  linkDevice(): Promise<devices.LinkingCode> {
    return devices.linkDevice(this.account);
  }

  /** Messages of a chat from the store, oldest first. */
  history(peer: string, limit?: number, before?: number): Promise<Message[]> {
    return this.store.history(this.addressOf(peer), limit, before);
  }

  /** All chats in the store, the most recent first. */
  chats(): Promise<Chat[]> {
    return this.store.chats();
  }

  /**
   * Sends a request (IQ) and waits for its answer: the payload of the result. `to`: somebody's
   * number or address, or the server's domain; the own account when left out.
   */
  async request(type: 'get' | 'set', payload: Element, to?: string): Promise<Element | undefined> {
    if (!this.stream.connected) throw new Error('not connected: wait for the state "online"');
    const id = stanzas.newId();
    const address = to === undefined || to === this.account.domain ? to : this.addressOf(to);
    const answer = await new Promise<Element>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.requests.delete(id);
        reject(new Error(`no answer within ${REQUEST_TIMEOUT_MS / 1000} seconds`));
      }, REQUEST_TIMEOUT_MS);
      this.requests.set(id, { resolve, reject, timer });
      this.stream.send([stanzas.request(type, id, payload, address)]);
    });
    const result = answer.children.find((each): each is Element => typeof each !== 'string');
    if (answer.attributes.type !== 'error') return result;
    const error = stanzas.child(answer, 'error', stanzas.CLIENT_NS);
    const condition = error === undefined ? undefined : stanzas.childIn(error, ERRORS_NS);
    const text = error === undefined ? undefined : stanzas.child(error, 'text', ERRORS_NS);
    throw new RequestFailed(
      condition?.name ?? 'undefined-condition',
      people.retryAfter(error),
      stanzas.textOf(text),
    );
  }

  /** Tells the server whether somebody looks at the screen. */
  setActive(active: boolean): void {
    if (!this.stream.connected) return;
    this.stream.sendPlain([
      stanzas.element(active ? 'active' : 'inactive', stanzas.CLIENT_STATE_NS),
    ]);
  }

  /** Tries to connect at once, as when the network has come back. */
  connectNow(): void {
    this.reconnector.now();
  }

  /** Breaks the connection as a bad network does; it comes back by itself. */
  interrupt(): void {
    this.stream.interrupt();
  }

  /** Logs out in order and closes the store. */
  async close(): Promise<void> {
    this.reconnector.stop();
    await this.stream.close();
    await this.work;
    await this.store.close();
  }

  /** `+49 170 1234567`, `491701234567` or an address, as a bare address. */
  addressOf(who: string): string {
    if (who.includes('@')) return stanzas.bareOf(who);
    const digits = who.replace(/[^0-9]/gu, '');
    if (digits === '') throw new TypeError(`neither a phone number nor an address: "${who}"`);
    return `${digits}@${this.account.domain}`;
  }

  /** What writes to the store on behalf of the stream happens one after another. */
  private work: Promise<void> = Promise.resolve();
  private inOrder(step: () => Promise<void>): Promise<void> {
    const done = this.work.then(step);
    // Whoever asked is told by `done`; the next step goes on all the same.
    this.work = done.catch(() => undefined);
    return done;
  }

  private async connect(): Promise<void> {
    this.become('connecting');
    const saved = await this.store.recall<string>('serverKey');
    const keys = accountKeys(this.account);
    const noiseKey =
      saved === undefined
        ? keys.noiseKey
        : accountKeys({ ...this.account, serverKey: saved }).noiseKey;
    try {
      const known = { noiseKey, identity: keys.identity };
      const login = await this.whereabouts.connect((dial) => this.stream.connect(dial, known));
      const learnt = toBase64(login.noiseKey);
      if (learnt !== (saved ?? this.account.serverKey))
        await this.store.remember('serverKey', learnt);
      await this.begin(login.resumed);
      if (!this.stream.connected) throw new Error('the connection broke during the login');
      this.become('online');
    } catch (error) {
      this.become('offline');
      if (error instanceof LoginFailed && error.condition !== 'temporary-auth-failure') {
        this.reconnector.stop();
        this.emit('refused', error);
        return;
      }
      this.emit('trouble', error as Error);
      throw error;
    }
  }

  /** After a login: what the server does not have yet is sent, in order. */
  private async begin(resumed: boolean): Promise<void> {
    if (!resumed) {
      this.stream.send([
        stanzas.element('presence', stanzas.CLIENT_NS),
        stanzas.request('set', stanzas.newId(), stanzas.element('enable', stanzas.CARBONS_NS)),
      ]);
    }
    await this.inOrder(async () => {
      const sent = new Set(this.stream.unacknowledged.map((each) => each.attributes.id));
      const waiting = (await this.store.queued()).filter((each) => !sent.has(each.id));
      if (!this.stream.connected) return;
      if (waiting.length > 0) this.stream.send(waiting.map((each) => this.stanzaOf(each)));
      this.ready = true;
      await this.sendOwed();
    });
  }

  /** Everything older has been sent, so that a new message may go at once. */
  private ready = false;

  private async submit(
    peer: string,
    what: Pick<Queued, 'body' | 'form' | 'target'>,
  ): Promise<Message> {
    const queued: Queued = { peer, id: stanzas.newId(), ...what };
    await this.inOrder(async () => {
      await this.store.queue(queued, Date.now());
      if (this.ready) this.stream.send([this.stanzaOf(queued)]);
    });
    const message = await this.store.find(peer, true, queued.id);
    if (message === undefined) throw new Error('the message could not be stored');
    return message;
  }

  private stanzaOf({ peer, id, body, form, target = '' }: Queued): Element {
    if (form === 'correction') return stanzas.correction(peer, id, body, target);
    if (form === 'retraction') return stanzas.retraction(peer, id, target);
    return stanzas.textMessage(peer, id, body);
  }

  private async sendOwed(): Promise<void> {
    if (!this.stream.connected) return;
    const owed = await this.store.owed();
    const lastRead = new Map(
      owed.filter((each) => each.notice === 'read').map((each) => [each.peer, each]),
    );
    const due = owed.filter(
      (each) => each.notice === 'delivered' || lastRead.get(each.peer) === each,
    );
    const notices = due
      .filter((each) => !this.onTheirWay.has(each.peer + each.id + each.notice))
      .map((each) => {
        this.onTheirWay.add(each.peer + each.id + each.notice);
        return each.notice === 'read'
          ? stanzas.readMarker(each.peer, each.id)
          : stanzas.receipt(each.peer, each.id);
      });
    if (notices.length > 0) this.stream.send(notices);
  }

  /** Notices that were sent in this stream and that the server has not got yet. */
  private readonly onTheirWay = new Set<string>();

  private async accepted(safe: readonly Element[]): Promise<void> {
    for (const stanza of safe) {
      if (stanza.name !== 'message') continue;
      const peer = stanza.attributes.to ?? '';
      const received = stanzas.child(stanza, 'received', stanzas.RECEIPTS_NS)?.attributes.id;
      const displayed = stanzas.child(stanza, 'displayed', stanzas.MARKERS_NS)?.attributes.id;
      if (received !== undefined) await this.noticeSafe(peer, received, 'delivered');
      else if (displayed !== undefined) await this.noticeSafe(peer, displayed, 'read');
      else this.tell(await this.store.tick(peer, [stanza.attributes.id ?? ''], 'accepted'));
    }
  }

  private async noticeSafe(peer: string, id: string, notice: 'delivered' | 'read'): Promise<void> {
    this.onTheirWay.delete(peer + id + notice);
    await this.store.told({ peer, id, notice });
  }

  private async take(stanza: Element, position: StreamPosition): Promise<void> {
    if (stanza.name === 'iq') this.answered(stanza);
    if (stanza.name === 'presence') this.presence(stanza);
    const understood =
      stanza.name === 'message' ? understand(stanza, this.address, Date.now()) : undefined;
    await this.inOrder(async () => {
      for (const meaning of understood?.meanings ?? []) {
        await this.apply(understood as Understood, meaning, position);
      }
      await this.store.setPosition(position);
    });
  }

  private async apply(from: Understood, meaning: Meaning, position: StreamPosition): Promise<void> {
    const { peer, mine } = from;
    switch (meaning.kind) {
      case 'text':
        await this.text(from, meaning, position);
        return;
      case 'retraction':
        this.tell(await this.store.retract(peer, mine, meaning.target));
        return;
      case 'delivered':
        if (!mine) this.tell(await this.store.tick(peer, [meaning.id], 'delivered'));
        return;
      case 'read':
        if (mine) await this.store.see(peer);
        else this.tell(await this.store.readUpTo(peer, meaning.id));
        return;
      case 'activity':
        if (!mine) this.emit('activity', { peer, activity: meaning.activity });
        return;
      case 'failed':
        this.tell(await this.store.fail(peer, meaning.id, meaning.condition));
    }
  }

  private async text(
    { peer, mine }: Understood,
    meaning: Extract<Meaning, { kind: 'text' }>,
    position: StreamPosition,
  ): Promise<void> {
    const { id, body, at, receiptWanted, replaces } = meaning;
    if (replaces !== undefined) {
      const changed = await this.store.edit(peer, mine, replaces, body);
      if (changed.length > 0) {
        this.tell(changed);
        return;
      }
    }
    const isNew = await this.store.add({ id, peer, body, at, receiptWanted, mine }, position);
    if (!mine) await this.sendOwed();
    const stored = isNew ? await this.store.find(peer, mine, id) : undefined;
    if (stored !== undefined) this.emit('message', stored);
  }

  private answered(stanza: Element): void {
    const { id = '', type, from } = stanza.attributes;
    const waiting = this.requests.get(id);
    if (waiting !== undefined && (type === 'result' || type === 'error')) {
      this.requests.delete(id);
      clearTimeout(waiting.timer);
      waiting.resolve(stanza);
      return;
    }
    if (type !== 'get' && type !== 'set') return;
    const list = people.changedList(stanza, this.address);
    if (list !== undefined) this.emit('list', list);
    const ping = stanzas.child(stanza, 'ping', 'urn:xmpp:ping') !== undefined;
    const answer =
      ping || list !== undefined
        ? stanzas.element('iq', stanzas.CLIENT_NS, { type: 'result', id, to: from })
        : stanzas.refusal(id, from);
    if (this.stream.connected) this.stream.send([answer]);
  }

  private presence(stanza: Element): void {
    const { from = '', type } = stanza.attributes;
    const peer = stanzas.bareOf(from);
    if (peer === this.address || (type !== undefined && type !== 'unavailable')) return;
    this.emit('presence', { peer, online: type === undefined });
  }

  private async blocking(verb: 'block' | 'unblock', peer: string): Promise<void> {
    const item = stanzas.element('item', stanzas.BLOCKING_NS, { jid: this.addressOf(peer) });
    await this.request('set', stanzas.element(verb, stanzas.BLOCKING_NS, {}, item));
  }

  private tell(changed: readonly Message[]): void {
    for (const message of changed) this.emit('change', message);
  }

  private become(state: ConnectionState): void {
    if (this.current === state) return;
    this.current = state;
    this.emit('state', state);
  }

  private lost(why: Error): void {
    this.ready = false;
    this.onTheirWay.clear();
    for (const { reject, timer } of this.requests.values()) {
      clearTimeout(timer);
      reject(why);
    }
    this.requests.clear();
    this.become('offline');
    if (this.reconnector.running) this.emit('trouble', why);
    this.reconnector.again();
  }
}
