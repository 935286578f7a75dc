// The TypeScript side of the boundary against the vectors that test/native/boundary reads too.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as boundary from '../../src/engine/boundary.gen.js';
import { RecordWriter } from '../../src/engine/record-buffer.js';

type Field = [name: string, type: string, note?: string];
interface Schema {
  enums: Record<string, Record<string, number>>;
  config: Record<string, { fields: Field[] }>;
  commands: Record<string, { fields: Field[] }>;
  events: Record<string, { fields: Field[] }>;
}

const folder = new URL('../native/boundary/', import.meta.url);
const schema = JSON.parse(
  readFileSync(new URL('../../native/boundary/boundary.json', import.meta.url), 'utf8'),
) as Schema;
const vectors = new Map(
  readFileSync(new URL('vectors.gen.txt', folder), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', hex = ''] = line.split(' ');
      return [name, Buffer.from(hex, 'hex')] as const;
    }),
);

function vector(name: string): Buffer {
  const bytes = vectors.get(name);
  assert(bytes, `a vector of ${name}`);
  return bytes;
}

/** The rule by which the vectors were made, stated a second time. */
function exampleValue([name, type, note = '']: Field, index: number): unknown {
  const enumName = /^enum (\w+)$/.exec(note)?.[1];
  if (enumName) return Object.values(schema.enums[enumName] ?? {}).at(-1);
  switch (type) {
    case 'u8':
      return index + 1;
    case 'u16':
      return 258 + index;
    case 'u32':
      return 2 ** 31 + index;
    case 'u64':
      return 2n ** 63n + 1n + BigInt(index);
    case 'bytes':
      return Uint8Array.of(0, 255, 128, index);
    default:
      return `${name} é 🐦`;
  }
}

function example(fields: Field[]): Record<string, unknown> {
  const camelCase = (name: string) =>
    name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(
    fields.map((field, index) => [camelCase(field[0]), exampleValue(field, index)]),
  );
}

describe('boundary records', () => {
  for (const [kind, { fields }] of Object.entries(schema.commands)) {
    it(`encodes ${kind} as the vector says`, () => {
      const writer = new RecordWriter(1);
      boundary.encodeCommand(writer, { kind, ...example(fields) } as unknown as boundary.Command);
      assert.equal(writer.written().toString('hex'), vector(kind).toString('hex'));
    });
  }

  it('encodes EngineConfig as the vector says', () => {
    const writer = new RecordWriter();
    const config = example(schema.config.EngineConfig?.fields ?? []);
    boundary.encodeEngineConfig(writer, config as unknown as boundary.EngineConfig);
    assert.equal(writer.written().toString('hex'), vector('EngineConfig').toString('hex'));
  });

  for (const [kind, { fields }] of Object.entries(schema.events)) {
    it(`decodes ${kind} from the vector`, () => {
      const [event, ...others] = boundary.decodeEvents(vector(kind));
      assert.equal(others.length, 0);
      assert.deepEqual(event, { kind, shard: 3, ...example(fields) });
    });
  }

  it('decodes a batch in its order', () => {
    const names = Object.keys(schema.events);
    const events = boundary.decodeEvents(Buffer.concat(names.map(vector)));
    assert.deepEqual(
      events.map(({ kind }) => kind),
      names,
    );
  });

  it('refuses every truncation of a batch, whole records apart', () => {
    const batch = Buffer.concat([vector('Started'), vector('Log')]);
    for (let size = 1; size < batch.length; size += 1) {
      if (size === vector('Started').length) continue;
      assert.throws(() => boundary.decodeEvents(batch.subarray(0, size)), RangeError, `${size}`);
    }
  });

  it('refuses a field that ends behind its record, and an unknown kind', () => {
    const log = Buffer.from(vector('Log'));
    log.writeUInt32LE(10_000, 9);
    assert.throws(() => boundary.decodeEvents(log), /ends behind its record/);
    const unknown = Buffer.from(vector('Log'));
    unknown.writeUInt16LE(999, 4);
    assert.throws(() => boundary.decodeEvents(unknown), /no event has the kind 999/);
  });

  it('grows its buffer and keeps what was written', () => {
    const writer = new RecordWriter(1);
    const stanza = 'ü'.repeat(100_000);
    boundary.encodeSendToConnection(writer, { connection: 1n, stanza });
    boundary.encodeRemoveAccount(writer, { user: 'ann' });
    const bytes = writer.written();
    assert.equal(bytes.length, bytes.readUInt32LE(0) + 16);
    assert.equal(bytes.toString('utf8', 20, 20 + 200_000), stanza);
    writer.clear();
    assert.equal(writer.length, 0);
  });
});
