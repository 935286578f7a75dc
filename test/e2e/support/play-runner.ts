// Performs a play: each line's verb is looked up in a table of sentences.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Element, parse } from 'ltx';
import { difference } from './pattern.js';
import type { Play, PlayLine } from './play.js';
import { type Endpoint, type Mechanism, RawClient, type Security } from './raw-client.js';

// How long "nothing" lasts: every stanza of a play travels within milliseconds.
const SILENCE_MS = 250;

type Sentence = readonly [RegExp, (stage: Stage, who: Actor, found: RegExpExecArray) => unknown];

interface Actor {
  readonly name: string;
  readonly resource: string;
  readonly client: RawClient;
  ignorePresence: boolean;
  /** What the server offered on the stream that was opened last. */
  features?: Element;
}

/** The account that stands for a user of a play. */
export function accountOf(play: Play, index: number, user: string): string {
  return `p${index}-${play.server}-${user}`;
}

/** Performs the play; throws at the first line that goes wrong. */
export async function perform(play: Play, index: number, endpoint: Endpoint): Promise<void> {
  const stage = new Stage(play, index, endpoint);
  try {
    for (const line of play.lines) await stage.speak(line);
  } finally {
    stage.clear();
  }
}

class Stage {
  readonly #play: Play;
  readonly #index: number;
  readonly #endpoint: Endpoint;
  readonly #actors = new Map<string, Actor>();
  readonly #remembered = new Map<string, string>();

  constructor(play: Play, index: number, endpoint: Endpoint) {
    this.#play = play;
    this.#index = index;
    this.#endpoint = endpoint;
  }

  async speak(line: PlayLine): Promise<void> {
    try {
      if (line.speaker === 'wait') {
        await sleep(Number.parseInt(line.verb, 10));
        return;
      }
      for (const [sentence, act] of sentences) {
        const found = sentence.exec(line.verb);
        if (found === null) continue;
        await act(this, this.actor(line.speaker), found);
        return;
      }
      throw new Error('nobody knows what this means');
    } catch (error) {
      const place = `${this.#play.file}:${line.number}: ${line.speaker} ${line.verb}`;
      throw new Error(`${place}\n${error instanceof Error ? error.message : String(error)}`);
    }
  }

  clear(): void {
    for (const { client } of this.#actors.values()) client.cut();
  }

  actor(speaker: string): Actor {
    let actor = this.#actors.get(speaker);
    if (actor === undefined) {
      const [user = '', resource = 'r'] = speaker.split('/');
      const client = new RawClient(this.#endpoint, accountOf(this.#play, this.#index, user));
      actor = { name: speaker, resource, client, ignorePresence: false };
      this.#actors.set(speaker, actor);
    }
    return actor;
  }

  /** Puts addresses and remembered values in the place of `{…}`. */
  expand(text: string, keepUnknown = false): string {
    return text.replace(/\{(\$?)([a-z]\w*)(\/[^}]*)?\}/gu, (whole, dollar, name, resource = '') => {
      if (dollar === '') {
        return `${accountOf(this.#play, this.#index, name)}@${this.#endpoint.domain}${resource}`;
      }
      const known = this.#remembered.get(name);
      if (known !== undefined) return known;
      if (keepUnknown) return whole;
      throw new Error(`nothing is remembered as ${name}`);
    });
  }

  remember(name: string, value: string): void {
    this.#remembered.set(name, value);
  }

  /** The next element that the actor does not ignore. */
  async hear(actor: Actor, timeoutMs?: number): Promise<Element> {
    while (true) {
      const element = await actor.client.element(timeoutMs);
      if (!this.#ignored(actor, element)) return element;
    }
  }

  // A user's own presence comes back to all of his resources; few plays are about that.
  #ignored(actor: Actor, element: Element): boolean {
    if (element.name !== 'presence' || element.attrs.type === 'error') return false;
    const bare = `${actor.client.user}@${this.#endpoint.domain}`;
    const own = String(element.attrs.from ?? '').startsWith(`${bare}/`);
    return actor.ignorePresence || (own && !this.#remembered.has(`own ${actor.name}`));
  }

  async expectPattern(actor: Actor, xml: string): Promise<void> {
    const pattern = parse(bound(this.expand(xml, true)));
    const element = await this.hear(actor);
    const problem = difference(pattern, element, this.#remembered);
    if (problem !== undefined) throw actor.client.failure(`${problem}, in ${element.toString()}`);
  }

  expectFeatures(actor: Actor, xml: string): void {
    const pattern = parse(bound(`<stream:features>${this.expand(xml, true)}</stream:features>`));
    if (actor.features === undefined) throw actor.client.failure('no stream was opened');
    const problem = difference(pattern, actor.features, this.#remembered);
    if (problem !== undefined) throw actor.client.failure(problem);
  }

  /** Several patterns in whatever order. */
  async expectAnyOrder(actor: Actor, xml: string): Promise<void> {
    const wanted = parse(bound(`<all>${this.expand(xml, true)}</all>`));
    const heard = parse('<all/>');
    const count = wanted.children.filter((child) => typeof child !== 'string').length;
    for (let index = 0; index < count; index += 1) heard.cnode(await this.hear(actor));
    const problem = difference(wanted, heard, this.#remembered);
    if (problem !== undefined) throw actor.client.failure(problem);
  }

  async expectNothing(actor: Actor): Promise<void> {
    await sleep(SILENCE_MS);
    for (let item = actor.client.poll(); item !== undefined; item = actor.client.poll()) {
      if (item.kind === 'element' && this.#ignored(actor, item.element)) continue;
      throw actor.client.failure('received something where nothing was expected');
    }
  }
}

// Patterns are written without the stream's prefix declared.
function bound(xml: string): string {
  return xml.replaceAll(/<(stream:\w+)/gu, "<$1 xmlns:stream='http://etherx.jabber.org/streams'");
}

// \xNN in a line of bytes is that byte.
function bytesOf(text: string): Buffer {
  const parts = text.split(/(\\x[0-9a-f]{2})/iu);
  return Buffer.concat(
    parts.map((part) =>
      /^\\x/u.test(part)
        ? Buffer.from([Number.parseInt(part.slice(2), 16)])
        : Buffer.from(part, 'utf8'),
    ),
  );
}

async function logIn(actor: Actor, wishes: string): Promise<void> {
  const priority = /priority (-?\d+)/u.exec(wishes)?.[1];
  const mechanism = /(SCRAM-SHA-1|SCRAM-SHA-256|PLAIN)\b/u.exec(wishes)?.[1];
  const security: Security = /direct TLS/u.test(wishes)
    ? 'direct'
    : /STARTTLS/u.test(wishes)
      ? 'starttls'
      : 'none';
  actor.client.answerRequests = !wishes.includes('silent');
  await actor.client.login({
    resource: actor.resource,
    security,
    acks: wishes.includes('acks'),
    presence: !wishes.includes('without presence'),
    ...(priority === undefined ? {} : { priority: Number(priority) }),
    ...(mechanism === undefined ? {} : { mechanism: mechanism as Mechanism }),
  });
}

// The conditions are joined with ` or `. The server's own header may come first, when the client's
// was never good enough to be answered.
async function expectStreamError(actor: Actor, conditions: string): Promise<void> {
  let item = await actor.client.next();
  while (item.kind === 'open' || (item.kind === 'element' && item.element.name === 'presence')) {
    item = await actor.client.next();
  }
  const allowed = conditions.split(' or ');
  const told =
    item.kind === 'element' && item.element.name === 'stream:error' ? item.element : null;
  if (told === null || !allowed.some((condition) => told.getChild(condition) !== undefined)) {
    throw actor.client.failure(`wanted the stream error ${conditions}`);
  }
  await expectOrderlyEnd(actor);
}

async function expectOrderlyEnd(actor: Actor): Promise<void> {
  await actor.client.waitClosed();
  if (!actor.client.streamClosed) throw actor.client.failure('the stream was not closed in order');
}

async function failToAuthenticate(
  actor: Actor,
  mechanism: string,
  password: string,
  condition: string,
): Promise<void> {
  const outcome = await actor.client.tryAuthenticate(mechanism as Mechanism, password);
  if (outcome.name !== 'failure' || outcome.getChild(condition) === undefined) {
    throw actor.client.failure(`wanted the failure ${condition}, got ${outcome.toString()}`);
  }
}

async function authenticate(actor: Actor, mechanism: string, password: string): Promise<void> {
  const outcome = await actor.client.tryAuthenticate(mechanism as Mechanism, password);
  if (outcome.name !== 'success') throw actor.client.failure('the login failed');
}

const sentences: readonly Sentence[] = [
  [/^connects(?: (with.+))?$/u, (_, who, found) => logIn(who, found[1] ?? '')],
  [/^opens a connection$/u, (_, who) => who.client.connect('none')],
  [/^opens a connection with TLS$/u, (_, who) => who.client.connect('direct')],
  [
    /^opens a stream$/u,
    async (_, who) => {
      who.features = await who.client.openStream();
    },
  ],
  [/^is offered: (.+)$/su, (stage, who, found) => stage.expectFeatures(who, found[1] as string)],
  [/^starts TLS$/u, (_, who) => who.client.startTls()],
  [
    /^authenticates with (\S+)$/u,
    (_, who, found) => authenticate(who, found[1] as string, 'secret'),
  ],
  [/^binds$/u, (_, who) => who.client.bind(who.resource)],
  [/^sends: (.+)$/su, (stage, who, found) => who.client.send(stage.expand(found[1] as string))],
  [
    /^sends bytes: (.+)$/su,
    (stage, who, found) => who.client.send(bytesOf(stage.expand(found[1] as string))),
  ],
  [
    /^sends a message of (\d+) bytes to (\S+)$/u,
    (stage, who, found) => {
      const body = 'x'.repeat(Number(found[1]));
      const to = stage.expand(found[2] as string);
      who.client.send(`<message to='${to}' type='chat'><body>${body}</body></message>`);
    },
  ],
  [/^receives: (.+)$/su, (stage, who, found) => stage.expectPattern(who, found[1] as string)],
  [
    /^receives in any order: (.+)$/su,
    (stage, who, found) => stage.expectAnyOrder(who, found[1] as string),
  ],
  [/^receives nothing$/u, (stage, who) => stage.expectNothing(who)],
  [/^loses the stream with (.+)$/u, (_, who, found) => expectStreamError(who, found[1] as string)],
  [
    /^fails to authenticate with (\S+) and (a wrong|the right) password: (\S+)$/u,
    (_, who, [, mechanism = '', which, condition = '']) =>
      failToAuthenticate(who, mechanism, which === 'a wrong' ? 'wrong' : 'secret', condition),
  ],
  [/^is disconnected in order$/u, (_, who) => expectOrderlyEnd(who)],
  [/^is disconnected$/u, (_, who) => who.client.waitClosed()],
  [/^disconnects$/u, (_, who) => who.client.logout()],
  [/^cuts the connection$/u, (_, who) => who.client.cut()],
  [
    /^resumes$/u,
    async (_, who) => {
      const outcome = await who.client.resume();
      if (outcome.name !== 'resumed') throw who.client.failure('was not resumed');
    },
  ],
  [
    /^cannot resume$/u,
    async (_, who) => {
      const outcome = await who.client.resume();
      if (outcome.name !== 'failed') throw who.client.failure('was resumed');
    },
  ],
  [
    /^resumes with the server's count (\d+)$/u,
    async (_, who, found) => {
      const outcome = await who.client.resume();
      if (outcome.name !== 'resumed' || outcome.attrs.h !== found[1]) {
        throw who.client.failure(`wanted <resumed h='${found[1]}'/>`);
      }
    },
  ],
  [
    /^has handled (\d+)$/u,
    (_, who, found) => {
      who.client.handled = Number(found[1]);
    },
  ],
  [
    /^takes the stream of (\S+)$/u,
    (stage, who, found) => {
      who.client.cut();
      who.client.resumptionId = stage.actor(found[1] as string).client.resumptionId;
    },
  ],
  [
    /^is the same stream as (\S+)$/u,
    (stage, who, found) => {
      const other = stage.actor((found[1] as string).replace(/\/r$/u, '')).client;
      who.client.resumptionId = other.resumptionId;
      who.client.handled = other.handled;
    },
  ],
  [
    /^is \S+ on resource (\S+)$/u,
    (_, who, found) => who.client.login({ resource: found[1] ?? '' }),
  ],
  [
    /^hears a message (\S+)$/u,
    (_, who, found) => who.client.until((element) => element.attrs.id === found[1]),
  ],
  [/^acknowledges$/u, (_, who) => who.client.acknowledge()],
  [/^hears own presence$/u, (stage, who) => stage.remember(`own ${who.name}`, 'yes')],
  [
    /^ignores presence$/u,
    (_, who) => {
      who.ignorePresence = true;
    },
  ],
];
