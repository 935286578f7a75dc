// Answers requests with the real handlers over a real store, and collects what the engine would be
// told.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Element, parseXml } from '../../src/base/xml.js';
import type { ConfigInput } from '../../src/config/schema.js';
import { Audience, type Command } from '../../src/engine/boundary.gen.js';
import { Answerer } from '../../src/pool/answer.js';
import { HandlerTable } from '../../src/pool/handler-table.js';
import type { WorkItem } from '../../src/pool/work.js';
import type { Effect } from '../../src/services/effects.js';
import { Facts } from '../../src/services/facts.js';
import type { Services } from '../../src/services/services.js';
import { TestServices } from '../helpers.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A stanza that a user's devices would get. */
export interface Sent {
  readonly user: string;
  readonly audience: string;
  readonly stanza: Element;
}

export class Harness {
  private readonly test: TestServices;
  private answerer: Answerer | undefined;
  /** Everything since the last `take`. */
  private effects: Effect[] = [];
  failures: string[] = [];

  constructor(input: ConfigInput = {}) {
    this.test = new TestServices(input);
  }

  get services(): Services {
    return this.test.services;
  }

  async start(...users: string[]): Promise<void> {
    await this.test.addUsers(...users);
    const { settings } = this.services;
    const table = await HandlerTable.load(settings, join(root, 'src/handlers'), '');
    if (table.problems.length > 0) throw new Error(table.problems.join('\n'));
    this.answerer = new Answerer(table, this.services);
  }

  close(): Promise<void> {
    return this.test.close();
  }

  /** Sends an IQ and gives the answer. */
  async iq(
    user: string,
    type: 'get' | 'set',
    payload: string,
    options: { to?: string; online?: boolean } = {},
  ): Promise<Element> {
    const stanza = `<iq type='${type}' id='q1'>${payload}</iq>`;
    const to = options.to ?? '';
    const common = { shard: 0, user, resource: 'r', session: 7n, id: 'q1' };
    const online = options.online ?? false;
    await this.run({ kind: 'IqRequest', ...common, to, stanza, online });
    const sent = this.sent().filter(({ stanza: { attrs } }) => attrs.id === 'q1');
    if (sent.length !== 1 || sent[0] === undefined) throw new Error(`${sent.length} answers`);
    return sent[0].stanza;
  }

  async register(type: 'get' | 'set', payload: string, address = '192.0.2.1'): Promise<Element> {
    const stanza = `<iq type='${type}' id='q1'>${payload}</iq>`;
    await this.run({ kind: 'RegisterRequest', shard: 0, connection: 3n, address, stanza });
    for (const effect of this.effects) {
      if (effect.kind === 'SendToConnection') return parseXml(effect.stanza);
    }
    throw new Error('no answer');
  }

  async presence(user: string, type: string, to: string, content = ''): Promise<void> {
    const from = `${user}@example.org`;
    const stanza = `<presence type='${type}' from='${from}' to='${to}'>${content}</presence>`;
    await this.run({ kind: 'SubscriptionStanza', shard: 0, user, to, type, stanza });
  }

  async available(user: string): Promise<void> {
    const common = { shard: 0, user, resource: 'r', session: 7n, priority: 0 };
    await this.run({ kind: 'SessionAvailable', ...common });
  }

  /** The stanzas that users' devices would get. */
  sent(): Sent[] {
    const names = Object.fromEntries(
      Object.entries(Audience).map(([name, value]) => [value, name]),
    );
    return this.effects.flatMap((effect) =>
      effect.kind === 'SendToUser'
        ? [
            {
              user: effect.user,
              audience: names[effect.audience] ?? '',
              stanza: parseXml(effect.stanza),
            },
          ]
        : [],
    );
  }

  /** What the engine would be told, with every fact read from the store. */
  commands(): Command[] {
    return new Facts(this.services).resolve(this.effects);
  }

  /** The presence bits the engine was last told, by `user→contact`. */
  contactFacts(): Record<string, number> {
    const facts: Record<string, number> = {};
    for (const command of this.commands()) {
      if (command.kind === 'PutContact') {
        facts[`${command.user}→${command.contact.split('@')[0]}`] = command.subscription;
      }
    }
    return facts;
  }

  /** Forgets what was sent so far. */
  clear(): void {
    this.effects = [];
  }

  private async run(item: WorkItem): Promise<void> {
    this.clear();
    const outcome = await this.answerer?.answer(item);
    this.effects = outcome?.effects ?? [];
    this.failures = outcome?.failures.map(({ message }) => message) ?? [];
  }
}

/** The condition of an error answer; empty for a result. */
export function condition(answer: Element): string {
  if (answer.attrs.type !== 'error') return '';
  const first = answer.getChild('error')?.children.find((child) => typeof child !== 'string');
  return typeof first === 'object' ? first.name : '';
}
