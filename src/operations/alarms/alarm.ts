// What an alarm is.

export const SEVERITIES = ['warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** An alarm that is raised, or was. */
export interface AlarmState {
  /** Names it for as long as it is raised, and in the history. */
  readonly id: number;
  readonly rule: string;
  /** Which of the things that the rule looks at: a queue, a shard, a file; may be empty. */
  readonly subject: string;
  readonly severity: Severity;
  /** In a sentence. */
  readonly message: string;
  /** The worst value so far. */
  readonly value: number;
  readonly unit: string;
  readonly threshold: number;
  /** Milliseconds since 1970. */
  readonly raisedAt: number;
  /** 0 while it is raised. */
  readonly clearedAt: number;
  /** Who has seen to it; empty: nobody yet. */
  readonly acknowledgedBy: string;
  readonly acknowledgedAt: number;
}
