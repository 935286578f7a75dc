// Writes docs/openapi.json from the routes, and docs/admin-openapi.json from the operations; with
// --check, fails when one of them is stale.

import { readFileSync, writeFileSync } from 'node:fs';
import { documents } from '../src/boot/documents.js';

for (const [name, document] of Object.entries(documents())) {
  const file = new URL(`../docs/${name}`, import.meta.url);
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (readFileSync(file, 'utf8') !== text) {
    console.error(`docs/${name} is stale: run \`npm run generate:openapi\`.`);
    process.exitCode = 1;
  }
}
