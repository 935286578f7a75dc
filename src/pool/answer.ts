// Answers one event with the handlers of a table. Whatever a handler does, the client gets an
// answer: its result, its refusal, or internal-server-error.

import { StanzaError } from '../base/stanza-error.js';
import { attribute, type Element, elements, parseXml, xml } from '../base/xml.js';
import type { IqRequest, RegisterRequest, SubscriptionStanza } from '../engine/boundary.gen.js';
import { bareJid, parseJid } from '../engine/jid.js';
import type { HandlerContext, HandlerFeatures, IqCall, IqTarget } from '../handlers/handler.js';
import { type Effect, toAvailable, toSession } from '../services/effects.js';
import type { Services } from '../services/services.js';
import type { SubscriptionType } from '../services/subscription-state.js';
import type { HandlerTable } from './handler-table.js';
import type { HandlerFailure, HandlerTime, WorkItem } from './work.js';

const SUBSCRIPTION_TYPES: readonly string[] = [
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
];
const MAX_REQUEST_BYTES = 4096;
/** What times are counted under that no namespace has. */
const KINDS: Readonly<Record<WorkItem['kind'], string>> = {
  IqRequest: 'iq without handler',
  RegisterRequest: 'registration before login',
  SubscriptionStanza: 'presence subscription',
  SessionAvailable: 'session available',
};
/** A name that no account can have. */
const NOBODY = '';

/** What became of an event. */
export interface Outcome {
  readonly effects: Effect[];
  readonly failures: HandlerFailure[];
  /** What an IQ asked, when a handler answers that. */
  readonly namespace?: string;
}

/** The same, with how long it took. */
export interface TimedOutcome extends Outcome {
  readonly time: HandlerTime;
}

class Context implements HandlerContext {
  readonly early: Effect[] = [];
  readonly late: Effect[] = [];

  constructor(
    readonly services: Services,
    readonly features: HandlerFeatures,
  ) {}

  before = (...effects: Effect[]): void => {
    this.early.push(...effects);
  };

  after = (...effects: Effect[]): void => {
    this.late.push(...effects);
  };
}

/** Answers events. Stateless but for the table and the services it is given. */
export class Answerer {
  private readonly features: HandlerFeatures;

  constructor(
    private readonly table: HandlerTable,
    private readonly services: Services,
  ) {
    this.features = table.features();
  }

  async answer(item: WorkItem): Promise<TimedOutcome> {
    const begin = performance.now();
    const outcome = await this.answerEvent(item);
    const us = Math.round((performance.now() - begin) * 1000);
    return { ...outcome, time: { namespace: outcome.namespace ?? KINDS[item.kind], us } };
  }

  private async answerEvent(item: WorkItem): Promise<Outcome> {
    switch (item.kind) {
      case 'IqRequest':
        return await this.answerIq(item, item.online);
      case 'RegisterRequest':
        return await this.answerRegister(item);
      case 'SubscriptionStanza':
        return await this.answerSubscription(item);
      case 'SessionAvailable':
        return await this.toAll('handleAvailable', async (handler, context) => {
          await handler.handleAvailable?.({ user: item.user, session: item.session }, context);
        });
    }
  }

  private async answerIq(request: IqRequest, online: boolean): Promise<Outcome> {
    const { domain } = this.services.settings;
    const own = `${request.user}@${domain}`;
    const from = `${own}/${request.resource}`;
    const head = { id: request.id, to: from, from: request.to === '' ? undefined : request.to };
    let namespace: string | undefined;
    const answer = await this.produce(async (context) => {
      const stanza = parseXml(request.stanza);
      const payload = onlyChild(stanza);
      const routed = this.table.find(payload.name, namespaceOf(payload));
      namespace = routed?.route.namespace;
      const { target, targetUser: named } = targetOf(request, domain);
      if (routed?.handler.handleIq === undefined || !routed.route.targets.includes(target)) {
        throw new StanzaError('service-unavailable');
      }
      // To the blocked the account is one that does not exist, by whatever answer tells of that:
      // one answer of their own for all requests would tell them from strangers (XEP-0191 §3.2).
      const hidden = target === 'other' && this.services.blocks.blocked(named, own);
      const type = attribute(stanza, 'type') === 'set' ? 'set' : 'get';
      const { user, session } = request;
      const call: IqCall = {
        ...{ user, session, own, from, type, target, payload },
        targetUser: hidden ? NOBODY : named,
        targetOnline: online && !hidden,
      };
      return await guarded(routed.handler.name, () => routed.handler.handleIq?.(call, context));
    });
    const outcome = answer.finish(head, (stanza) =>
      toSession(request.user, request.session, stanza),
    );
    return namespace === undefined ? outcome : { ...outcome, namespace };
  }

  private async answerRegister(request: RegisterRequest): Promise<Outcome> {
    let id: string | undefined;
    const answer = await this.produce(async (context) => {
      const stanza = parseXml(request.stanza);
      id = attribute(stanza, 'id');
      const payload = onlyChild(stanza);
      const handler = this.table.find(payload.name, namespaceOf(payload))?.handler;
      if (handler?.handleRegister === undefined) throw new StanzaError('service-unavailable');
      const type = attribute(stanza, 'type') === 'set' ? 'set' : 'get';
      const call = { type, address: request.address, payload } as const;
      return await guarded(handler.name, () => handler.handleRegister?.(call, context));
    });
    const head = { id, from: this.services.settings.domain };
    return answer.finish(head, (stanza) => ({
      kind: 'SendToConnection',
      connection: request.connection,
      stanza,
    }));
  }

  private async answerSubscription(event: SubscriptionStanza): Promise<Outcome> {
    const own = `${event.user}@${this.services.settings.domain}`;
    const jid = parseJid(event.to);
    if (jid === undefined || !SUBSCRIPTION_TYPES.includes(event.type)) {
      return { effects: [], failures: [] }; // The engine sends no such thing.
    }
    const contact = bareJid(jid);
    const type = event.type as SubscriptionType;
    const outcome = await this.toAll('handleSubscription', async (handler, context) => {
      const stanza = subscriptionStanza(event.stanza, own, contact, type);
      await handler.handleSubscription?.({ user: event.user, contact, type, stanza }, context);
    });
    if (outcome.refusal === undefined) return outcome;
    const { refusal } = outcome;
    const error = xml('presence', { type: 'error', from: contact, to: own }, refusal.toElement());
    return { ...outcome, effects: [toAvailable(event.user, error.toString())] };
  }

  /** Gives an event to every handler that has the method, whatever the others did. */
  private async toAll(
    method: 'handleSubscription' | 'handleAvailable',
    give: (handler: HandlerTable['handlers'][number], context: HandlerContext) => Promise<void>,
  ): Promise<Outcome & { refusal?: StanzaError }> {
    const context = new Context(this.services, this.features);
    const failures: HandlerFailure[] = [];
    let refusal: StanzaError | undefined;
    for (const handler of this.table.handlers) {
      if (handler[method] === undefined) continue;
      try {
        await give(handler, context);
      } catch (error) {
        if (StanzaError.is(error)) refusal = error;
        else failures.push({ handler: handler.name, message: stackOf(error) });
      }
    }
    const effects = [...context.early, ...context.late];
    return { effects, failures, ...(refusal === undefined ? {} : { refusal }) };
  }

  private async produce(
    work: (context: HandlerContext) => Promise<Element | undefined>,
  ): Promise<Produced> {
    const context = new Context(this.services, this.features);
    try {
      return new Produced(context, await work(context), undefined, []);
    } catch (error) {
      if (StanzaError.is(error)) return new Produced(context, undefined, error, []);
      const failure =
        error instanceof HandlerBug
          ? { handler: error.handler, message: stackOf(error.cause) }
          : { handler: 'answer', message: stackOf(error) };
      const refusal = new StanzaError('internal-server-error');
      return new Produced(context, undefined, refusal, [failure]);
    }
  }
}

/** What a handler came to, before it is written as a stanza. */
class Produced {
  constructor(
    private readonly context: Context,
    private readonly payload: Element | undefined,
    private readonly refusal: StanzaError | undefined,
    private readonly failures: HandlerFailure[],
  ) {}

  finish(head: Record<string, string | undefined>, send: (stanza: string) => Effect): Outcome {
    const { refusal, payload, failures, context } = this;
    const type = refusal === undefined ? 'result' : 'error';
    const stanza = xml('iq', { type, ...head }, refusal?.toElement() ?? payload);
    const effects = [...context.early, send(stanza.toString()), ...context.late];
    return { effects, failures };
  }
}

/** Carries the name of the handler that threw. */
class HandlerBug extends Error {
  constructor(
    readonly handler: string,
    override readonly cause: unknown,
  ) {
    super(handler);
  }
}

async function guarded(
  handler: string,
  work: () => Element | undefined | Promise<Element | undefined>,
): Promise<Element | undefined> {
  try {
    return await work();
  } catch (error) {
    throw StanzaError.is(error) ? error : new HandlerBug(handler, error);
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function onlyChild(stanza: Element): Element {
  const children = elements(stanza);
  const [payload] = children;
  if (payload === undefined || children.length !== 1) throw new StanzaError('bad-request');
  return payload;
}

function namespaceOf(element: Element): string {
  return element.getNS() ?? '';
}

function targetOf(request: IqRequest, domain: string): { target: IqTarget; targetUser: string } {
  if (request.to === '') return { target: 'account', targetUser: request.user };
  const jid = parseJid(request.to);
  if (jid === undefined) throw new StanzaError('jid-malformed');
  if (jid.domain !== domain) throw new StanzaError('remote-server-not-found');
  if (jid.local === '') return { target: 'server', targetUser: '' };
  const target = jid.local === request.user ? 'account' : 'other';
  return { target, targetUser: jid.local };
}

/** The stanza to hand on: bare addresses, and its content only when it is small. */
function subscriptionStanza(
  text: string,
  from: string,
  to: string,
  type: SubscriptionType,
): string {
  const stanza = parseXml(text);
  stanza.attrs.from = from;
  stanza.attrs.to = to;
  stanza.attrs.type = type;
  const written = stanza.toString();
  if (Buffer.byteLength(written) <= MAX_REQUEST_BYTES) return written;
  return xml('presence', { from, to, type }).toString();
}
