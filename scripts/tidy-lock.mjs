#!/usr/bin/env node
// Takes the download addresses out of package-lock.json, so that it serves whatever registry a
// machine is set up with; what npm checks is the integrity hash. Fails when a package is missing
// that another one names for some platform: npm leaves out silently what a registry does not have,
// and npm ci then refuses the file. Run after every npm install that changed the lock; with --check
// it only says whether that was forgotten.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const path = join(dirname(fileURLToPath(import.meta.url)), '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const problems = [];
let addresses = 0;
for (const [place, entry] of Object.entries(lock.packages)) {
  if (entry.resolved !== undefined) addresses += 1;
  delete entry.resolved;
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    const found = [`${place}/node_modules/${name}`, `node_modules/${name}`];
    if (!found.some((wanted) => wanted in lock.packages)) {
      problems.push(`package-lock.json has no ${name}, which ${place} names`);
    }
  }
}
if (!process.argv.includes('--check')) {
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: ${addresses} addresses taken out`);
} else if (addresses > 0) {
  problems.push(`package-lock.json has ${addresses} addresses: run scripts/tidy-lock.mjs`);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
