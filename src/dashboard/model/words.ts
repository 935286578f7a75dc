// How the page says things that the server gives as names and numbers.

import type { AlarmState } from '../../operations/alarms/alarm.js';
import { count, span } from '../../operations/view/words.js';
import { shortSpan } from '../../operations/words.js';
import type { MessageStep } from '../api/answers.js';

const WRITE: Readonly<Record<string, (value: number) => string>> = {
  percent: (value) => `${value} %`,
  microseconds: span,
  milliseconds: (value) => span(value * 1000),
  seconds: shortSpan,
  days: (value) => `${value} ${value === 1 ? 'day' : 'days'}`,
};

/** Microseconds as a span of time; of nothing a dash. */
export function duration(us: number): string {
  return us > 0 ? span(us) : '–';
}

/** A value of an alarm in its unit. */
export function inUnit(value: number, unit: string): string {
  return WRITE[unit]?.(value) ?? `${count(value)} ${unit}`;
}

/** `3 min`, counted by the server's clock. */
export function since(alarm: AlarmState, now: number): string {
  return shortSpan((now - alarm.raisedAt) / 1000);
}

/** `20:31:07 UTC`; of another day with the day. */
export function clockTime(milliseconds: number, now: number): string {
  const iso = new Date(milliseconds).toISOString();
  const today = new Date(now).toISOString().slice(0, 10);
  const day = iso.startsWith(today) ? '' : `${iso.slice(0, 10)} `;
  return `${day}${iso.slice(11, 19)} UTC`;
}

/** How long ago an ISO time is. */
export function ago(iso: string, now: number): string {
  return shortSpan((now - Date.parse(iso)) / 1000);
}

const WAYS: Readonly<Record<string, string>> = {
  none: '',
  xmpp: 'XMPP',
  xmppTls: 'XMPP over TLS',
  websocket: 'WebSocket',
  websocketTls: 'WebSocket over TLS',
  compact: 'compact',
  compactWebsocket: 'compact over WebSocket',
  compactWebsocketTls: 'compact over WebSocket and TLS',
};

/** The way of a session or a step; empty: none. */
export function wayWords(way: string): string {
  return WAYS[way] ?? way;
}

function client(resource: string): string {
  return /^d\d+$/u.test(resource) ? `device ${resource.slice(1)}` : resource;
}

const STEPS: Readonly<Record<string, string>> = {
  accepted: 'Accepted',
  recovered: 'Found on disk when the server started',
  refused: 'Refused: the mailbox is full',
  duplicate: 'Sent again by its sender, and recognised',
  stored: 'Stored: it is on disk',
  returned: 'Taken back: the session ended before it was acknowledged; it waits again',
  expired: 'Expired: nobody fetched it in time',
  removed: 'Removed with its account',
  unreadable: 'Lost: its record on disk cannot be read',
};

/** A step of a message in words. */
export function stepWords({ step, resource, way }: MessageStep): string {
  const over = wayWords(way) === '' ? '' : ` (${wayWords(way)})`;
  if (step === 'sent') return `Sent to ${client(resource)}${over}`;
  if (step === 'acknowledged') {
    return resource === ''
      ? 'Acknowledged by a device that came back'
      : `Acknowledged by ${client(resource)}${over}`;
  }
  return STEPS[step] ?? step;
}

const MICROSECONDS = 1e6;

/** Microseconds since 1970 of a time that is exact to them: more than `Date` keeps. */
function microseconds(iso: string): number {
  const whole = Date.parse(`${iso.slice(0, 19)}Z`) / 1000;
  return whole * MICROSECONDS + Number(iso.slice(20, 26));
}

/** The time from one step to another. */
export function between(earlier: MessageStep, later: MessageStep): string {
  const us = microseconds(later.at) - microseconds(earlier.at);
  return us > 0 ? span(us) : '0 µs';
}
