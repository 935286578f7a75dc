// The log: JSON lines for machines, or one readable line for people; always on standard error, so
// that standard output stays with what was asked for.

import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

const LEVEL_NAMES: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const KNOWN = new Set(['level', 'time', 'pid', 'hostname', 'component', 'msg']);

interface Line {
  readonly level: number;
  readonly time: number;
  readonly component?: string;
  readonly msg?: string;
  readonly [key: string]: unknown;
}

/** The readable form of one JSON line. */
export function formatLine(json: string): string {
  const line = JSON.parse(json) as Line;
  const time = new Date(line.time).toISOString();
  const level = (LEVEL_NAMES[line.level] ?? String(line.level)).padEnd(5);
  const component = line.component === undefined ? '' : ` ${line.component}:`;
  const rest = Object.entries(line)
    .filter(([key]) => !KNOWN.has(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${time} ${level}${component} ${line.msg ?? ''}${rest.join('')}\n`;
}

const readable: DestinationStream = {
  write(json: string): void {
    process.stderr.write(formatLine(json));
  },
};

/** Makes the log of a process. */
export function createLogger(options: {
  readonly level: string;
  readonly format: 'text' | 'json';
}): Logger {
  const destination = options.format === 'text' ? readable : pino.destination(2);
  return pino({ level: options.level, base: null }, destination);
}
