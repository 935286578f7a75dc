// Where each event of the engine goes. Runs on the main thread for every batch, so it does nothing
// that takes long.

import { errorText } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import type { AuthRequest, Command, EngineEvent, SessionEnded } from '../engine/boundary.gen.js';
import type { Inquiries } from '../engine/inquiries.js';
import { normaliseLocalpart } from '../engine/jid.js';
import type { Dispatcher } from '../pool/dispatcher.js';
import type { OnlineUsers } from '../services/online-users.js';
import type { Services } from '../services/services.js';

/** A question whether a password is right. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Address of the connection's other end. */
  readonly address: string;
}

/** Says whether a password is right. */
export type Authenticate = (credentials: Credentials) => Promise<boolean> | boolean;

/** A session that has begun or ended, for the embedding program. */
export interface SessionNotice {
  readonly user: string;
  readonly resource: string;
}

/** What the router works with. */
export interface EventParts {
  readonly services: Services;
  readonly dispatcher: Dispatcher;
  readonly online: OnlineUsers;
  readonly inquiries: Inquiries;
  readonly log: Logger;
  readonly send: (command: Command) => void;
  readonly authenticate: () => Authenticate | undefined;
  readonly onSession: (session: SessionNotice) => void;
  readonly onSessionEnded: (session: SessionNotice) => void;
  readonly onListening: (protocol: string, address: string, port: number) => void;
  readonly onStarted: (started: Extract<EngineEvent, { kind: 'Started' }>) => void;
}

const LEVELS: Record<number, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const MAX_AUTHENTICATING = 1000;

/** Routes events. */
export class EventRouter {
  private authenticating = 0;

  constructor(private readonly parts: EventParts) {}

  /** Takes a batch; an event that cannot be handled is logged and the others are handled. */
  route = (events: readonly EngineEvent[]): void => {
    for (const event of events) {
      try {
        if (!this.parts.inquiries.take(event)) this.routeOne(event);
      } catch (error) {
        this.parts.log.error({ component: 'events', event: event.kind }, errorText(error));
      }
    }
  };

  private routeOne(event: EngineEvent): void {
    const { dispatcher, online, services, log } = this.parts;
    switch (event.kind) {
      case 'IqRequest': {
        // Only questions about another account ask for this: `user@domain`.
        const at = event.to.indexOf('@');
        const other = at > 0 ? normaliseLocalpart(event.to.slice(0, at)) : undefined;
        dispatcher.dispatch({ ...event, online: other !== undefined && online.has(other) });
        return;
      }
      case 'RegisterRequest':
      case 'SubscriptionStanza':
        dispatcher.dispatch(event);
        return;
      case 'SessionAvailable':
        online.available(event.user, event.session);
        // Hardly any login has requests waiting for it; the others need no handler.
        if (services.rosters.counts(event.user).requests > 0) dispatcher.dispatch(event);
        this.parts.onSession({ user: event.user, resource: event.resource });
        return;
      case 'SessionEnded':
        this.sessionEnded(event);
        return;
      case 'AuthRequest':
        void this.authenticate(event);
        return;
      case 'Log':
        log[LEVELS[event.level] ?? 'info']({ component: event.component }, event.message);
        return;
      case 'Listening':
        this.parts.onListening(event.protocol, event.address, event.port);
        return;
      case 'Started':
        this.parts.onStarted(event);
        return;
      case 'Drained':
        log.debug({ component: 'engine' }, `drained, ${event.sessionsClosed} sessions closed`);
    }
  }

  private sessionEnded({ user, resource, session, status }: SessionEnded): void {
    const { online, services, log } = this.parts;
    if (online.ended(user, session) && services.accounts.exists(user)) {
      services.documents.seen(user, status).catch((error: unknown) => {
        log.error({ component: 'last-seen', user }, errorText(error));
      });
    }
    this.parts.onSessionEnded({ user, resource });
  }

  private async authenticate(request: AuthRequest): Promise<void> {
    const { connection, user } = request;
    let accepted = false;
    if (this.authenticating < MAX_AUTHENTICATING) {
      this.authenticating++;
      try {
        accepted = await this.ask(request);
      } catch (error) {
        this.parts.log.error({ component: 'authenticate', user }, errorText(error));
      } finally {
        this.authenticating--;
      }
    } else {
      this.parts.log.warn({ component: 'authenticate', user }, 'too many logins wait; refused');
    }
    this.parts.send({ kind: 'AuthReply', connection, accepted: Number(accepted), user });
  }

  private async ask({ user, password, address }: AuthRequest): Promise<boolean> {
    const hook = this.parts.authenticate();
    if (hook === undefined || !(await hook({ user, password, address }))) return false;
    // A mailbox needs an account: whom the program lets in gets one.
    if (!this.parts.services.accounts.exists(user)) {
      await this.parts.services.accounts.addExternal(user);
      await this.parts.dispatcher.apply([{ kind: 'RefreshAccount', user }]);
    }
    return true;
  }
}
