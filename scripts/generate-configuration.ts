// Writes docs/CONFIGURATION.md from the schema; with --check, fails when the file is stale.

import { readFileSync, writeFileSync } from 'node:fs';
import { configurationReference } from '../src/config/reference.js';

const file = new URL('../docs/CONFIGURATION.md', import.meta.url);
const text = configurationReference();
if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/CONFIGURATION.md is stale: run `npm run generate:configuration`.');
  process.exitCode = 1;
}
