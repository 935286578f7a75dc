// Writes docs/ALARMS.md from the rules; with --check, fails when the file is stale.

import { readFileSync, writeFileSync } from 'node:fs';
import { configFromObject } from '../src/config/load.js';
import { alarmsReference } from '../src/operations/alarms/reference.js';

const file = new URL('../docs/ALARMS.md', import.meta.url);
const text = alarmsReference(configFromObject({}));
if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/ALARMS.md is stale: run `npm run generate:alarms`.');
  process.exitCode = 1;
}
