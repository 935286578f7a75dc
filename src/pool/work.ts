// What goes to a pool worker and what comes back: plain data that can be cloned.

import type {
  IqRequest,
  RegisterRequest,
  SessionAvailable,
  SubscriptionStanza,
} from '../engine/boundary.gen.js';
import type { HandlerFeatures } from '../handlers/handler.js';
import type { Effect } from '../services/effects.js';
import type { Settings } from '../services/settings.js';

/** An event for the handlers. `online`: whether the account that an IQ asks about has a device. */
export type WorkItem =
  | (IqRequest & { readonly online: boolean })
  | RegisterRequest
  | SessionAvailable
  | SubscriptionStanza;

/** Where a worker finds what it needs; given once. */
export interface WorkerSetup {
  readonly settings: Settings;
  /** Folder of table.js and the handlers. */
  readonly handlersPath: string;
  /** Folder of replacements; empty for none. */
  readonly overridesPath: string;
}

/** What a worker is busy with before it answers batches, so that one that hangs can be told of. */
export interface WorkerProgress {
  readonly kind: 'progress';
  readonly worker: number;
  /** Empty once it is done. */
  readonly doing: string;
}

/** Tells of a step of loading or testing. */
export type ReportProgress = (doing: string) => void;

export type WorkerTask =
  | { readonly kind: 'batch'; readonly items: readonly WorkItem[] }
  | { readonly kind: 'self-test' };

/** A handler threw what was not a StanzaError. */
export interface HandlerFailure {
  readonly handler: string;
  readonly message: string;
}

/** How long the answer to one event took. */
export interface HandlerTime {
  /** What a handler answers, or a word for what is no IQ. */
  readonly namespace: string;
  readonly us: number;
}

export interface BatchResult {
  readonly kind: 'batch';
  readonly times: HandlerTime[];
  readonly effects: Effect[];
  readonly failures: HandlerFailure[];
}

export interface SelfTestResult {
  readonly kind: 'self-test';
  /** What is wrong with this version; none when it may take over. */
  readonly problems: string[];
  readonly handlers: string[];
  readonly features: HandlerFeatures;
}

export type WorkerResult = BatchResult | SelfTestResult;
