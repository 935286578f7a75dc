// Reads the text format of Prometheus, strictly: whatever the format does not allow throws.

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly help: string;
  readonly type: string;
  readonly series: Series[];
}

const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"/uy;

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  for (let at = 0; at < text.length; ) {
    LABEL.lastIndex = at;
    const [whole, name = '', value = ''] = LABEL.exec(text) ?? [];
    if (whole === undefined || name in labels) throw new Error(`not labels: ${text}`);
    labels[name] = value.replace(/\\(.)/gu, (_, mark: string) => (mark === 'n' ? '\n' : mark));
    at += whole.length;
    if (at < text.length && text[at++] !== ',') throw new Error(`not labels: ${text}`);
  }
  return labels;
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (!/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/u.test(text)) throw new Error(`not a number: ${text}`);
  return Number(text);
}

function checkHistogram(name: string, series: readonly Series[]): void {
  const rows = new Map<string, { bound: number; count: number }[]>();
  for (const { name: own, labels, value } of series) {
    if (own !== `${name}_bucket`) continue;
    const { le = '', ...others } = labels;
    const key = JSON.stringify(others);
    rows.set(key, [...(rows.get(key) ?? []), { bound: numberOf(le), count: value }]);
  }
  for (const [key, buckets] of rows) {
    for (const [index, { bound, count }] of buckets.slice(1).entries()) {
      const before = buckets[index];
      if (before === undefined || bound <= before.bound || count < before.count) {
        throw new Error(`${name}${key}: buckets do not grow`);
      }
    }
    const total = series.find((one) => {
      return one.name === `${name}_count` && JSON.stringify(one.labels) === key;
    });
    if (buckets.at(-1)?.bound !== Number.POSITIVE_INFINITY) throw new Error(`${name}: no +Inf`);
    if (buckets.at(-1)?.count !== total?.value) throw new Error(`${name}${key}: count differs`);
  }
}

/** The families of a text, by name. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  let now: Family | undefined;
  let name = '';
  let help = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/u.exec(line);
    if (comment !== null) {
      const [, word, of = '', rest = ''] = comment;
      if (word === 'HELP') {
        help = rest;
        continue;
      }
      if (families.has(of)) throw new Error(`${of} comes twice`);
      name = of;
      now = { help, type: rest, series: [] };
      families.set(of, now);
      continue;
    }
    const row = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/u.exec(line);
    if (row === null || now === undefined) throw new Error(`not a line: ${line}`);
    const [, own = '', labels = '', value = ''] = row;
    const parts = now.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    if (!parts.some((part) => own === name + part)) throw new Error(`${own} is not of ${name}`);
    now.series.push({ name: own, labels: labelsOf(labels), value: numberOf(value) });
  }
  for (const [of, { type, series }] of families) {
    if (type === 'histogram') checkHistogram(of, series);
  }
  return families;
}
