// Reads `user,password` lines (RFC 4180: fields may be quoted, quotes are doubled).

/** One line of the file. */
export interface CsvLine {
  readonly number: number;
  readonly fields: readonly string[];
}

/** Splits a CSV text; a quoted field may contain commas, quotes and line ends. */
export function* readCsv(text: string): Generator<CsvLine> {
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n][^,\r\n]*|))(,|\r?\n|\r|$)/uy;
  let at = text.startsWith('\ufeff') ? 1 : 0;
  let line = 1;
  let startLine = 1;
  let fields: string[] = [];
  while (at < text.length) {
    field.lastIndex = at;
    const match = field.exec(text);
    if (match === null) {
      // Text behind a closing quote: too many fields, so that the caller refuses the line.
      const end = text.indexOf('\n', at);
      fields.push('', '', '');
      at = end < 0 ? text.length : end + 1;
    } else {
      fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
      at = field.lastIndex;
      line += match[0].split('\n').length - 1;
      if (match[3] === ',' && at < text.length) continue;
      if (match[3] === ',') fields.push('');
    }
    if (match === null) line++;
    if (fields.length > 1 || fields[0] !== '') yield { number: startLine, fields };
    fields = [];
    startLine = line;
  }
}
