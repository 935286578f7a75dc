#!/usr/bin/env node
// Writes both sides of the door between TypeScript and C++ from native/boundary/boundary.json:
// native/boundary/boundary.gen.{h,cc}, src/engine/boundary.gen.ts, and the vectors with which the
// tests of both sides check each other. With --check it writes nothing and fails when one is stale.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderCpp } from './boundary/render-cpp.mjs';
import { renderTypeScript } from './boundary/render-typescript.mjs';
import { renderVectors } from './boundary/render-vectors.mjs';
import { loadSchema } from './boundary/schema.mjs';
import { writeOrCheck } from './lib/generated-files.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

// Counts changes of the record layout which the schema file does not show.
const LAYOUT_VERSION = 1;

const text = readFileSync(join(root, 'native/boundary/boundary.json'), 'utf8');
const schema = loadSchema(JSON.parse(text));
schema.hash = createHash('sha256').update(`${LAYOUT_VERSION}\n${text}`).digest('hex').slice(0, 16);

const outputs = new Map([
  ...renderCpp(schema),
  ['src/engine/boundary.gen.ts', renderTypeScript(schema)],
  ['test/native/boundary/vectors.gen.txt', renderVectors(schema)],
]);
writeOrCheck(root, outputs, 'boundary');
