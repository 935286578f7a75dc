// What the operations answer that the page asks for; docs/admin-openapi.json has all of it.

import type { AlarmState } from '../../operations/alarms/alarm.js';
import type { ViewPoint } from '../../operations/view/view-point.js';

export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Whether a role may do what is for another. */
export function allows(has: Role, wanted: Role): boolean {
  return ROLES.indexOf(has) >= ROLES.indexOf(wanted);
}

export interface Caller {
  readonly name: string;
  readonly role: Role;
  readonly domain: string;
  readonly version: string;
}

export interface ViewHistory {
  readonly intervalMs: number;
  readonly points: readonly ViewPoint[];
}

export interface AlarmList {
  readonly alarms: readonly AlarmState[];
}

export interface AlarmRules {
  readonly rules: readonly {
    readonly name: string;
    readonly advice: string;
    readonly isFloor: boolean;
  }[];
}

export interface Session {
  readonly user: string;
  readonly resource: string;
  readonly way: string;
  readonly address: string;
  readonly since: string;
  readonly available: boolean;
  readonly priority: number;
  readonly managed: boolean;
  readonly unacknowledged: number;
  readonly unacknowledgedBytes: number;
}

export interface Sessions {
  readonly sessions: readonly Session[];
  readonly truncated: boolean;
}

export interface Backlog {
  readonly user: string;
  readonly messages: number;
  readonly bytes: number;
  readonly oldest?: string;
  readonly sessions: number;
}

export interface Backlogs {
  readonly users: readonly Backlog[];
}

export interface WaitingMessage {
  readonly sequence: number;
  readonly accepted: string;
  readonly bytes: number;
  readonly place: string;
  readonly sentTo: string;
  readonly id: string;
}

export interface Mailbox {
  readonly total: Backlog;
  readonly messages: readonly WaitingMessage[];
  readonly truncated: boolean;
}

export interface MessageStep {
  /** UTC, to the microsecond. */
  readonly at: string;
  readonly step: string;
  readonly resource: string;
  readonly way: string;
}

export interface FoundMessage {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly state: string;
  readonly steps: readonly MessageStep[];
}

export interface WhereMessage {
  readonly messages: readonly FoundMessage[];
  readonly truncated: boolean;
}

export interface TraceStarted {
  readonly trace: string;
  readonly user: string;
}

export interface TracedStanza {
  readonly atUs: number;
  readonly resource: string;
  readonly direction: 'in' | 'out';
  readonly stanza: string;
}

export interface TraceNews {
  readonly stanzas: readonly TracedStanza[];
  readonly dropped: number;
}
