// The figures of `rookery bench` as lines for people to read.

/** A figure: a number, a word, a spread over rounds, or a latency in microseconds. */
export type BenchFigure = number | string | boolean | Readonly<Record<string, number>>;

/** What rookery-load prints. */
export type BenchFigures = Readonly<Record<string, BenchFigure>>;

/** Names that do not say enough by themselves. */
const TITLES: Readonly<Record<string, string>> = {
  acks: 'acknowledgements',
  latencyUs: 'latency',
  calmLatencyUs: 'latency before the storm',
  latenessUs: 'lateness of this program’s own sends',
  loginLatencyUs: 'time of a login',
  cpuPercent: 'server CPU, of one core (%)',
  cpuUsPerMessage: 'server CPU of a message (µs)',
  cpuUsPerLogin: 'server CPU of a login (µs)',
  cpuUsPerLoginWithChat: 'server CPU of a login, the pairs’ chat included (µs)',
  loginCpuUsEach: 'server CPU of a login (µs)',
  idleCpuPercent: 'server CPU while idle, of one core (%)',
  residentBytes: 'server memory, resident (bytes)',
  rssBytes: 'server memory, resident (bytes)',
  memoryGrownBytes: 'server memory, grown by (bytes)',
  anonymousBytesPerConnection: 'server memory of a connection (bytes)',
  anonymousBytesPerConnectionSecondHalf: 'the same, second half of them (bytes)',
  rssBytesPerConnection: 'the same, resident (bytes)',
  kernelBytesPerConnectionBothEnds: 'kernel memory of a connection, both ends (bytes)',
};

const WORD_START = /(?=[A-Z])|(?<=[a-z])(?=[0-9])/u;

function titleOf(name: string): string {
  const [, stem = name, group = ''] = /^(.*?Us|rate)(\d+)$/u.exec(name) ?? [];
  const title = TITLES[stem] ?? stem.split(WORD_START).join(' ').toLowerCase();
  return group === '' ? title : `${title}, group ${group}`;
}

function numberText(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en');
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

function milliseconds(microseconds: number | undefined): string {
  return `${Number(((microseconds ?? 0) / 1000).toPrecision(3))} ms`;
}

function valueText(value: BenchFigure): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (value.median !== undefined) {
    const { min = 0, median, max = 0 } = value;
    return `${numberText(median)} [${numberText(min)} to ${numberText(max)}]`;
  }
  const { p50, p90, p99, p999, max } = value;
  const parts = { p50, p90, p99, 'p99.9': p999, max };
  return Object.entries(parts)
    .map(([name, part]) => `${name} ${milliseconds(part)}`)
    .join('  ');
}

/** One line for each figure. */
export function renderFigures(figures: BenchFigures): string {
  const rows = Object.entries(figures).map(([name, value]) => [titleOf(name), valueText(value)]);
  const width = Math.max(...rows.map(([title = '']) => title.length));
  return rows.map(([title = '', value]) => `${title.padEnd(width)}  ${value}`).join('\n');
}
