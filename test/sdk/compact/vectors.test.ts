// docs/protocol/vectors.json, sections "elements" and "invalid", on the client's side; and the
// third implementation, a Python script that was written from the document alone.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { decodeElement } from '../../../src/sdk/compact/decode.js';
import { CompactError } from '../../../src/sdk/compact/element.js';
import { encodeElement } from '../../../src/sdk/compact/encode.js';
import { readXml } from '../support/xml-reader.js';

interface ElementVector {
  readonly name: string;
  readonly xml: string;
  readonly domain: string;
  readonly hex: string;
}

interface InvalidVector {
  readonly name: string;
  readonly domain: string;
  readonly hex: string;
  readonly reason: string;
}

const { elements, invalid } = JSON.parse(readFileSync('docs/protocol/vectors.json', 'utf8')) as {
  elements: ElementVector[];
  invalid: InvalidVector[];
};

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));

describe('Test vectors of the compact encoding', () => {
  it('are many', () => {
    assert.ok(elements.length >= 60);
    assert.ok(invalid.length >= 30);
  });

  for (const { name, xml, domain, hex } of elements) {
    it(name, () => {
      const wanted = readXml(xml);
      assert.deepEqual(decodeElement(bytes(hex), domain), wanted);
      assert.equal(Buffer.from(encodeElement(wanted, domain)).toString('hex'), hex);
    });
  }

  for (const { name, domain, hex, reason } of invalid) {
    it(`refused: ${name}`, () => {
      assert.throws(
        () => decodeElement(bytes(hex), domain),
        (error) => error instanceof CompactError && error.problem === reason,
      );
    });
  }

  it('are decoded by a script that knows the document only', () => {
    const printed = execFileSync('python3', ['test/protocol/compact.py'], { encoding: 'utf8' });
    assert.equal(printed.trim(), `${elements.length} elements, ${invalid.length} refused`);
  });
});
