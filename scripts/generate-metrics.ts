// Writes docs/METRICS.md from the list of metrics, for which the addon must be built; with --check,
// fails when the file is stale.

import { readFileSync, writeFileSync } from 'node:fs';
import { Engine } from '../src/engine/engine.js';
import { metricsReference } from '../src/operations/metrics/reference.js';
import { metricsTable } from '../src/operations/metrics/table.js';

const file = new URL('../docs/METRICS.md', import.meta.url);
const text = metricsReference(metricsTable(Engine.metricsHelp()));
if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/METRICS.md is stale: run `npm run generate:metrics`.');
  process.exitCode = 1;
}
