// What operations work with.

import type { Logger } from '../base/log.js';
import type { Config } from '../config/schema.js';
import type { EnginePort } from '../engine/engine-port.js';
import type { Inquiries } from '../engine/inquiries.js';
import type { AdminTokens } from '../services/admin-tokens.js';
import type { Effect } from '../services/effects.js';
import type { OnlineUsers } from '../services/online-users.js';
import type { Services } from '../services/services.js';
import type { Alarms } from './alarms/alarms.js';
import type { QueueStatus } from './queue-status.js';
import type { Role } from './role.js';
import type { Sampler } from './sampler.js';
import type { Traces } from './traces.js';
import type { Views } from './views.js';

/** Who asks, and by which way. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  /** `files`: the command line, while no server runs. */
  readonly via: 'socket' | 'http' | 'files';
}

/** How the server is. */
export interface ServerStatus {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly domain: string;
  readonly accounts: number;
  readonly usersOnline: number;
  readonly listeners: string[];
  readonly handlersVersion: number;
  readonly residentBytes: number;
  readonly queues: QueueStatus[];
  readonly engine: EngineStatus;
}

/** The engine's own figures. */
export interface EngineStatus {
  readonly counters: Record<string, number>;
  readonly queues: QueueStatus[];
  readonly [field: string]: unknown;
}

/** What a reload has loaded. */
export interface ReloadReply {
  readonly version: number;
  readonly handlers: string[];
}

/** The server that runs, as far as operations need it. */
export interface RunningServer {
  readonly config: Config;
  readonly log: Logger;
  readonly engine: EnginePort;
  readonly online: OnlineUsers;
  /** Questions to the shards. */
  readonly inquiries: Inquiries;
  readonly traces: Traces;
  readonly sampler: Sampler;
  readonly views: Views;
  readonly alarms: Alarms;
  status(): ServerStatus;
  reload(): Promise<ReloadReply>;
  /** Resolves when everything has stopped, this operation's own way included. */
  stop(): Promise<void>;
}

/** Given to each run of an operation. */
export interface OperationContext {
  readonly caller: Caller;
  readonly services: Services;
  readonly tokens: AdminTokens;
  /** Tells the engine; nobody is told while no server runs. */
  apply(effects: readonly Effect[]): Promise<void>;
  /** Throws a Refusal while no server runs, which only operations that work offline can meet. */
  readonly server: RunningServer;
}
