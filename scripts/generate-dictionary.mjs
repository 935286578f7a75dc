#!/usr/bin/env node
// Writes the dictionary of the compact protocol for both sides from docs/protocol/dictionary.json:
// native/codec/compact_dictionary.gen.h and src/sdk/compact/dictionary.gen.ts. With --check it
// writes nothing and fails when one is stale. The tables of a version never change: append only.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeOrCheck } from './lib/generated-files.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = 'docs/protocol/dictionary.json';

// How many indexes the encoding has (docs/PROTOCOL.md, section 5).
const MOST_WORDS = 160 + 16 * 256;
const MOST_NAMES = 240 + 16 * 256;
const MOST_ATTRIBUTES = 256;
const LOCAL_NAME = /^[A-Za-z_][A-Za-z0-9._-]*$/;

function refuse(problem) {
  throw new Error(`${source}: ${problem}`);
}

function requireUnique(table, what) {
  const seen = new Set();
  for (const entry of table) {
    const key = JSON.stringify(entry);
    if (entry !== null && seen.has(key)) refuse(`${what}: ${key} stands twice`);
    seen.add(key);
  }
}

/** Words go into XML as they are, so nothing in them may need an escape. */
function checkWords(words) {
  if (words[0] !== '') refuse('words[0] is not the empty text');
  if (words.length > MOST_WORDS) refuse(`more than ${MOST_WORDS} words`);
  for (const word of words.slice(1)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    if (word === '' || /[<>&'"\u0000-\u001F\uFFFE\uFFFF]/.test(word)) refuse(`word "${word}"`);
  }
}

/** Names and attributes as pairs of the namespace's index among the words, and the local name. */
function pairs(table, words, most, what) {
  if (table.length > most) refuse(`more than ${most} ${what}`);
  if (table[0] !== null || table[1] !== null) refuse(`${what} begin at index 2`);
  return table.map((entry) => {
    if (entry === null) return [0, ''];
    const [xmlns, local] = typeof entry === 'string' ? ['', entry] : entry;
    const index = words.indexOf(xmlns);
    if (index < 0) refuse(`the namespace ${xmlns} is not among the words`);
    if (!LOCAL_NAME.test(local)) refuse(`${what}: ${local} is not a name`);
    return [index, local];
  });
}

function load() {
  const { version, words, names, attributes } = JSON.parse(
    readFileSync(join(root, source), 'utf8'),
  );
  requireUnique(words, 'words');
  requireUnique(names, 'names');
  requireUnique(attributes, 'attributes');
  checkWords(words);
  return {
    version,
    words,
    names: pairs(names, words, MOST_NAMES, 'names'),
    attributes: pairs(attributes, words, MOST_ATTRIBUTES, 'attributes'),
  };
}

const HEADING = (path) => [
  `// The dictionary of the compact protocol. Written by scripts/generate-dictionary.mjs from`,
  `// ${path}; do not edit.`,
];

function renderCpp({ version, words, names, attributes }) {
  const table = (name, entries) => [
    `inline constexpr DictionaryName ${name}[] = {`,
    ...entries.map(([xmlns, local]) => `    {${xmlns}, "${local}"},`),
    '};',
    '',
  ];
  return [
    ...HEADING(source),
    '#pragma once',
    '',
    '#include <cstdint>',
    '#include <string_view>',
    '',
    'namespace rookery::codec {',
    '',
    '/// A name and the index of its namespace among the words; 0: no namespace.',
    'struct DictionaryName {',
    '  std::uint16_t xmlns;',
    '  std::string_view local;',
    '};',
    '',
    `inline constexpr std::uint8_t dictionary_version = ${version};`,
    '',
    'inline constexpr std::string_view dictionary_words[] = {',
    ...words.map((word) => `    "${word}",`),
    '};',
    '',
    '/// The first two indexes are not in use.',
    ...table('dictionary_names', names),
    '/// The first two indexes are not in use.',
    ...table('dictionary_attributes', attributes),
    '}  // namespace rookery::codec',
    '',
  ].join('\n');
}

function renderTypeScript({ version, words, names, attributes }) {
  const table = (name, entries) => [
    `export const ${name}: readonly (readonly [number, string])[] = [`,
    ...entries.map(([xmlns, local]) => `  [${xmlns}, '${local}'],`),
    '];',
  ];
  return [
    ...HEADING(source),
    '',
    `export const DICTIONARY_VERSION = ${version};`,
    '',
    'export const WORDS: readonly string[] = [',
    ...words.map((word) => `  '${word}',`),
    '];',
    '',
    '/** The namespace, as an index of the words, and the local name; the first two are unused. */',
    ...table('NAMES', names),
    '',
    '/** The same for attributes; namespace 0: none. */',
    ...table('ATTRIBUTES', attributes),
    '',
  ].join('\n');
}

const dictionary = load();
const outputs = new Map([
  ['native/codec/compact_dictionary.gen.h', renderCpp(dictionary)],
  ['src/sdk/compact/dictionary.gen.ts', renderTypeScript(dictionary)],
]);
writeOrCheck(root, outputs, 'dictionary');
