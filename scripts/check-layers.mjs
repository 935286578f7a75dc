#!/usr/bin/env node
// Checks what the compilers do not: that a folder uses only what stands to its left, that napi.h
// and lmdb.h have one includer each, that every file opens with a comment and keeps to the limits
// of lines and columns, and that somebody uses it. The order is data: scripts/layers/layers.json.
// With a folder as argument it checks that one instead of the project.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkForm, checkLayers, checkSoleIncluders, checkUsed } from './layers/rules.mjs';
import { readTree } from './layers/tree.mjs';

const project = join(dirname(fileURLToPath(import.meta.url)), '..');
const root = process.argv[2] ?? project;
const rules = JSON.parse(readFileSync(join(project, 'scripts/layers/layers.json'), 'utf8'));

const tree = readTree(root);
const problems = [
  ...checkLayers(tree, rules),
  ...checkSoleIncluders(tree, rules),
  ...checkForm(tree, rules),
  ...checkUsed(tree, rules),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`layers: ${tree.size} files in order`);
