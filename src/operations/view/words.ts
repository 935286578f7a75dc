// How figures of a server are written: short, always of the same width, and the same in every view.

/** `12`, `1,234`, `56.7k`, `1.2M`. */
export function count(value: number): string {
  if (value < 10 && !Number.isInteger(value)) return value.toFixed(1);
  if (value < 10_000) return Math.round(value).toLocaleString('en-US');
  if (value < 1e6) return `${(value / 1e3).toFixed(value < 1e5 ? 1 : 0)}k`;
  if (value < 1e9) return `${(value / 1e6).toFixed(1)}M`;
  return `${(value / 1e9).toFixed(1)}G`;
}

/** `850 µs`, `12.3 ms`, `1.2 s`; nothing happened: `-`. */
export function span(us: number): string {
  if (us <= 0) return '-';
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1e3).toFixed(us < 1e5 ? 1 : 0)} ms`;
  return `${(us / 1e6).toFixed(1)} s`;
}

/** `7.4 %` */
export function percent(value: number): string {
  return `${value.toFixed(value < 99.95 ? 1 : 0)} %`;
}

/** Ten cells, as many of them full as there are tenths. */
export function bar(value: number, cells = 10): string {
  const full = Math.max(0, Math.min(cells, Math.round((value / 100) * cells)));
  return '█'.repeat(full) + '░'.repeat(cells - full);
}

/** Hours, minutes and seconds; days before them. */
export function uptime(seconds: number): string {
  const clock = new Date((seconds % 86_400) * 1000).toISOString().slice(11, 19);
  return seconds < 86_400 ? clock : `${Math.floor(seconds / 86_400)} d ${clock}`;
}
