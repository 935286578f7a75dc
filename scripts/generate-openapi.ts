// Writes docs/openapi.json from the routes; with --check, fails when the file is stale.

import { readFileSync, writeFileSync } from 'node:fs';
import { version } from '../src/base/version.js';
import { apiRoutes } from '../src/boot/http-service.js';
import type { ApiParts } from '../src/http/api-parts.js';
import { openApiDocument } from '../src/http/openapi.js';

const file = new URL('../docs/openapi.json', import.meta.url);
// The document says what the routes take and answer; what they work with is not asked.
const routes = apiRoutes({} as ApiParts);
const text = `${JSON.stringify(openApiDocument(routes, version), null, 2)}\n`;
if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/openapi.json is stale: run `npm run generate:openapi`.');
  process.exitCode = 1;
}
