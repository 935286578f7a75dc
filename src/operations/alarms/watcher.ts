// Decides, from one sample after another, which alarms are raised. An alarm is raised when its
// level was reached for a while, and cleared when the value was good for a while: between the two
// levels nothing changes, so that a value on the edge does not ring every second.

import type { AlarmState, Severity } from './alarm.js';
import type { AlarmRule, Figures, Levels, Reading } from './rules.js';

/** What became of an alarm. */
export type AlarmEvent = 'raised' | 'escalated' | 'cleared' | 'acknowledged';

interface Watched {
  readonly rule: AlarmRule;
  readonly levels: Levels;
}

/** One thing that a rule looks at. */
interface Cell {
  /** Since when the warning level is reached; 0: it is not. */
  badSince: number;
  /** Since when the value is good; 0: it is not. */
  goodSince: number;
  alarm: AlarmState | undefined;
}

export interface WatcherOptions {
  readonly rules: readonly Watched[];
  readonly holdMs: number;
  readonly clearMs: number;
  nextId(): number;
  onChange(event: AlarmEvent, alarm: AlarmState): void;
}

/** The watcher. */
export class Watcher {
  private readonly cells = new Map<string, Cell>();

  constructor(private readonly options: WatcherOptions) {}

  /** Looks at a sample; the alarms that are raised now. */
  watch(sample: Figures, before: Figures | undefined): AlarmState[] {
    for (const { rule, levels } of this.options.rules) {
      const seen = new Set<string>();
      for (const reading of rule.read(sample, before)) {
        const key = `${rule.name} ${reading.subject}`;
        seen.add(key);
        this.look(key, rule, levels, reading, sample.at);
      }
      this.forget(rule, seen, sample.at);
    }
    return this.raised();
  }

  raised(): AlarmState[] {
    return [...this.cells.values()].flatMap(({ alarm }) => (alarm === undefined ? [] : [alarm]));
  }

  /** Notes who has seen to it; undefined when no such alarm is raised. */
  acknowledge(id: number, by: string, at: number): AlarmState | undefined {
    for (const cell of this.cells.values()) {
      if (cell.alarm?.id !== id) continue;
      cell.alarm = { ...cell.alarm, acknowledgedBy: by, acknowledgedAt: at };
      this.options.onChange('acknowledged', cell.alarm);
      return cell.alarm;
    }
    return undefined;
  }

  private look(key: string, rule: AlarmRule, levels: Levels, reading: Reading, at: number): void {
    const cell = this.cells.get(key) ?? { badSince: 0, goodSince: 0, alarm: undefined };
    const reaches = (level: number): boolean =>
      rule.isFloor ? reading.value <= level : reading.value >= level;
    // Good is what lies on the other side of the level at which the alarm is cleared, or on it.
    const good = rule.isFloor ? reading.value >= levels.clear : reading.value <= levels.clear;
    cell.badSince = reaches(levels.warning) ? cell.badSince || at : 0;
    cell.goodSince = good ? cell.goodSince || at : 0;
    if (cell.alarm === undefined) {
      if (cell.badSince === 0) this.cells.delete(key);
      else this.cells.set(key, cell);
      if (cell.badSince !== 0 && at - cell.badSince >= this.options.holdMs) {
        this.raise(cell, rule, levels, reading, at, reaches(levels.critical));
      }
      return;
    }
    this.follow(cell, cell.alarm, rule, reading, reaches(levels.critical), levels);
    if (cell.goodSince !== 0 && at - cell.goodSince >= this.options.clearMs) {
      this.clear(key, cell.alarm, at);
    }
  }

  private raise(
    cell: Cell,
    rule: AlarmRule,
    levels: Levels,
    reading: Reading,
    at: number,
    isCritical: boolean,
  ): void {
    const severity: Severity = isCritical ? 'critical' : 'warning';
    cell.alarm = {
      id: this.options.nextId(),
      rule: rule.name,
      subject: reading.subject,
      severity,
      message: rule.say(reading),
      value: reading.value,
      unit: rule.unit,
      threshold: levels[severity],
      raisedAt: at,
      clearedAt: 0,
      acknowledgedBy: '',
      acknowledgedAt: 0,
    };
    this.options.onChange('raised', cell.alarm);
  }

  /** Keeps the worst value; tells when it becomes critical. */
  private follow(
    cell: Cell,
    alarm: AlarmState,
    rule: AlarmRule,
    reading: Reading,
    isCritical: boolean,
    levels: Levels,
  ): void {
    const worse = rule.isFloor ? reading.value < alarm.value : reading.value > alarm.value;
    if (!worse && !(isCritical && alarm.severity === 'warning')) return;
    cell.alarm = { ...alarm, value: reading.value, message: rule.say(reading) };
    if (!isCritical || alarm.severity === 'critical') return;
    // Whoever saw to the warning has not seen this.
    cell.alarm = {
      ...cell.alarm,
      severity: 'critical',
      threshold: levels.critical,
      acknowledgedBy: '',
      acknowledgedAt: 0,
    };
    this.options.onChange('escalated', cell.alarm);
  }

  private clear(key: string, alarm: AlarmState, at: number): void {
    this.cells.delete(key);
    this.options.onChange('cleared', { ...alarm, clearedAt: at });
  }

  /** What is no longer there to be looked at is no longer wrong. */
  private forget(rule: AlarmRule, seen: ReadonlySet<string>, at: number): void {
    for (const [key, { alarm }] of this.cells) {
      if (!key.startsWith(`${rule.name} `) || seen.has(key)) continue;
      if (alarm === undefined) this.cells.delete(key);
      else this.clear(key, alarm, at);
    }
  }
}
