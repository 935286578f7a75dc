#!/usr/bin/env node
// Writes both sides of the door between TypeScript and C++ from native/boundary/boundary.json:
// native/boundary/boundary.gen.{h,cc}, src/engine/boundary.gen.ts, and the vectors with which the
// tests of both sides check each other. With --check it writes nothing and fails when one is stale.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderCpp } from './boundary/render-cpp.mjs';
import { renderTypeScript } from './boundary/render-typescript.mjs';
import { renderVectors } from './boundary/render-vectors.mjs';
import { loadSchema } from './boundary/schema.mjs';

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

const check = process.argv.includes('--check');
let stale = 0;
for (const [path, wanted] of outputs) {
  const absolute = join(root, path);
  let present = '';
  try {
    present = readFileSync(absolute, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  if (present === wanted) continue;
  stale += 1;
  if (check) console.error(`${path} is stale: run scripts/generate-boundary.mjs and commit it`);
  else writeFileSync(absolute, wanted);
}
if (check && stale > 0) process.exit(1);
console.log(check ? 'boundary: fresh' : `boundary: ${stale} of ${outputs.size} files rewritten`);
