// Tries a version of the handlers before it may take over: each handler's own test, through the
// same code that answers clients, against a store that is thrown away.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorText } from '../base/errors.js';
import { type Element, parseXml, xml } from '../base/xml.js';
import type { SelfTestBench } from '../handlers/handler.js';
import type { Effect } from '../services/effects.js';
import { deriveCredentials } from '../services/scram.js';
import { openServices, type Services } from '../services/services.js';
import type { Settings } from '../services/settings.js';
import { Store } from '../services/store.js';
import { Answerer, type Outcome } from './answer.js';
import type { HandlerTable } from './handler-table.js';
import type { ReportProgress, SelfTestResult, WorkItem } from './work.js';

const DOMAIN = 'example.org';
const SESSION = 1n;

class Bench implements SelfTestBench {
  private readonly answerer: Answerer;

  constructor(
    table: HandlerTable,
    readonly services: Services,
  ) {
    this.answerer = new Answerer(table, services);
  }

  iq: SelfTestBench['iq'] = async (type, payload, options = {}) => {
    const to = options.to ?? '';
    const stanza = xml('iq', { type, id: 'test' }, parseXml(payload)).toString();
    const common = { shard: 0, user: 'ann', resource: 'test', session: SESSION };
    const request = { kind: 'IqRequest', ...common, to, id: 'test', stanza } as const;
    return withAnswer(await this.run({ ...request, online: options.online ?? false }));
  };

  register: SelfTestBench['register'] = async (type, payload) => {
    const stanza = xml('iq', { type, id: 'test' }, parseXml(payload)).toString();
    const connection = 1n;
    const address = '192.0.2.1';
    return withAnswer(
      await this.run({ kind: 'RegisterRequest', shard: 0, connection, address, stanza }),
    );
  };

  subscription: SelfTestBench['subscription'] = async ({ user, contact, type, stanza }) => {
    const event = {
      kind: 'SubscriptionStanza',
      shard: 0,
      user,
      to: contact,
      type,
      stanza,
    } as const;
    return (await this.run(event)).effects;
  };

  available: SelfTestBench['available'] = async (user) => {
    const event = { kind: 'SessionAvailable', shard: 0, user, resource: 'test' } as const;
    return (await this.run({ ...event, session: SESSION, priority: 0 })).effects;
  };

  private async run(item: WorkItem): Promise<Outcome> {
    const outcome = await this.answerer.answer(item);
    const [failure] = outcome.failures;
    if (failure !== undefined) throw new Error(`${failure.handler} threw ${failure.message}`);
    return outcome;
  }
}

function withAnswer({ effects }: Outcome): { answer: Element; effects: Effect[] } {
  for (const effect of effects) {
    const sent = effect.kind === 'SendToUser' || effect.kind === 'SendToConnection';
    if (!sent) continue;
    const stanza = parseXml(effect.stanza);
    if (stanza.name === 'iq' && stanza.attrs.id === 'test') return { answer: stanza, effects };
  }
  throw new Error('no answer');
}

/** Runs the self-test of every handler, each on a fresh bench. */
export async function selfTest(
  table: HandlerTable,
  settings: Settings,
  report: ReportProgress = () => undefined,
): Promise<SelfTestResult> {
  const problems = [...table.problems];
  const credentials = await deriveCredentials('secret', settings.scramIterations);
  for (const handler of problems.length === 0 ? table.handlers : []) {
    report(`the self-test of ${handler.name}`);
    const folder = mkdtempSync(join(tmpdir(), 'rookery-self-test-'));
    const store = Store.open(folder, { scratch: true });
    try {
      const services = openServices(store, {
        ...settings,
        domain: DOMAIN,
        dataFolder: folder,
        registrationEnabled: true,
        externalAuth: false,
      });
      const users = ['ann', 'bob'];
      await services.accounts.write(
        users.map((user) => ({ user, credentials })),
        'add',
      );
      await handler.selfTest(new Bench(table, services));
    } catch (error) {
      problems.push(`${handler.name} failed its self-test: ${errorText(error)}`);
    } finally {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const handlers = table.handlers.map(({ name }) => name);
  return { kind: 'self-test', problems, handlers, features: table.features() };
}
