// The import file: quoted fields, line ends of every kind, and lines that are none.

import assert from 'node:assert/strict';
import { readCsv } from '../../src/cli/csv.js';

function fields(text: string): string[][] {
  return [...readCsv(text)].map((line) => [...line.fields]);
}

describe('CSV', () => {
  it('reads plain and quoted fields', () => {
    assert.deepEqual(fields('a,b\r\nc,"d,""e"""\n"f\ng",h'), [
      ['a', 'b'],
      ['c', 'd,"e"'],
      ['f\ng', 'h'],
    ]);
  });

  it('skips a byte order mark and empty lines, and keeps empty fields', () => {
    assert.deepEqual(fields('\ufeffa,b\n\n\nc,\n'), [
      ['a', 'b'],
      ['c', ''],
    ]);
    assert.deepEqual(fields('c,'), [['c', '']]);
  });

  it('numbers lines as an editor does', () => {
    const lines = [...readCsv('a,b\n"c\nd",e\nf,g\n')];
    assert.deepEqual(
      lines.map(({ number }) => number),
      [1, 2, 4],
    );
  });

  it('never takes text behind a quote for a field', () => {
    const [line] = [...readCsv('"a"b,c\nd,e')];
    assert.notEqual(line?.fields.length, 2);
  });
});
