// The alarms of a server: watches the samples, and tells whoever should know of each change: the
// log, the webhook, the history, and those who look at the moment.

import { EventEmitter } from 'node:events';
import { errorText } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import type { AlarmRuleName } from '../../config/alarms-schema.js';
import type { Config } from '../../config/schema.js';
import type { Store } from '../../services/store.js';
import type { QueueStatus } from '../queue-status.js';
import type { AlarmState } from './alarm.js';
import { AlarmHistory } from './history.js';
import { type AlarmRule, alarmRules, type Figures, type Levels } from './rules.js';
import { type AlarmEvent, Watcher } from './watcher.js';
import { AlarmWebhook } from './webhook.js';

/** A rule with its levels, as it is watched. */
export interface WatchedRule {
  readonly rule: AlarmRule;
  readonly levels: Levels;
  readonly isOff: boolean;
}

export interface AlarmParts {
  readonly config: Config;
  readonly version: string;
  readonly store: Store;
  readonly log: Logger;
}

interface AlarmEvents {
  change: [event: AlarmEvent, alarm: AlarmState];
}

/** The rules with the levels of a configuration. */
export function watchedRules(config: Config): WatchedRule[] {
  const off = new Set<AlarmRuleName | string>(config.alarms.off);
  return alarmRules.map((rule) => ({
    rule,
    levels: rule.levels(config),
    isOff: off.has(rule.name),
  }));
}

/** The alarms. */
export class Alarms extends EventEmitter<AlarmEvents> {
  readonly rules: readonly WatchedRule[];
  private readonly watcher: Watcher;
  private readonly history: AlarmHistory;
  private readonly webhook: AlarmWebhook | undefined;
  private written: Promise<void> = Promise.resolve();

  constructor(private readonly parts: AlarmParts) {
    super();
    this.setMaxListeners(0);
    const { config, store, log } = parts;
    this.rules = watchedRules(config);
    this.history = new AlarmHistory(store);
    const { webhook, holdSeconds, clearSeconds } = config.alarms;
    if (webhook.url !== '') this.webhook = new AlarmWebhook(webhook, log);
    this.watcher = new Watcher({
      rules: this.rules.filter(({ isOff }) => !isOff),
      holdMs: holdSeconds * 1000,
      clearMs: clearSeconds * 1000,
      nextId: () => this.history.nextId(),
      onChange: (event, alarm) => this.changed(event, alarm),
    });
  }

  async open(): Promise<void> {
    await this.history.open(Date.now());
  }

  async close(): Promise<void> {
    await this.webhook?.close();
    await this.written;
  }

  /** Looks at a sample; the alarms that are raised now. */
  watch(sample: Figures, before: Figures | undefined): AlarmState[] {
    return this.watcher.watch(sample, before);
  }

  raised(): AlarmState[] {
    return this.watcher.raised();
  }

  /** The newest first, those that are raised among them. */
  async past(limit: number): Promise<AlarmState[]> {
    await this.written;
    return this.history.list(limit);
  }

  /** Undefined when no such alarm is raised. */
  acknowledge(id: number, by: string): AlarmState | undefined {
    return this.watcher.acknowledge(id, by, Date.now());
  }

  /** The webhook's queue. */
  stats(): QueueStatus[] {
    return this.webhook === undefined ? [] : [this.webhook.stats()];
  }

  private changed(event: AlarmEvent, alarm: AlarmState): void {
    const { log, config, version } = this.parts;
    const { id, rule, subject, severity, value, unit, message } = alarm;
    const level = event === 'cleared' || event === 'acknowledged' ? 'info' : 'warn';
    log[level === 'warn' && severity === 'critical' ? 'error' : level](
      { component: 'alarm', event, id, rule, subject, severity, value, unit },
      event === 'acknowledged'
        ? `${alarm.acknowledgedBy} has seen to it: ${message}`
        : `${event}: ${message}`,
    );
    this.webhook?.send(`${config.domain}/${alarm.raisedAt}/${id}/${event}`, {
      event,
      alarm,
      server: { domain: config.domain, version },
    });
    this.written = this.written
      .then(() => this.history.note(alarm))
      .catch((error: unknown) => {
        log.error({ component: 'alarm', id }, `the history could not be kept: ${errorText(error)}`);
      });
    this.emit('change', event, alarm);
  }
}
