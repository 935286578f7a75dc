// Reads the sources of the project: path -> text and the project's files which it uses.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const FOLDERS = ['native', 'src', 'test', 'scripts', '.ci'];
const EXTENSIONS = /\.(cc|h|tsx?|mjs|cjs|bash|py|bt)$/;

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}

/** Text files by their extension, and scripts, which have none. */
function isSource(path) {
  if (EXTENSIONS.test(path)) return true;
  return !/\.[^/]*$/.test(path) && (statSync(path).mode & 0o100) !== 0;
}

/** What a C++ file includes with quotes, found from native/ and test/ as the compiler does. */
function* includes(text, root) {
  for (const [, name] of text.matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)) {
    for (const base of ['native', 'test']) {
      if (existsSync(join(root, base, name))) yield `${base}/${name}`;
    }
  }
}

/** What a TypeScript or JavaScript file imports by a relative path, dynamic imports included. */
function* imports(text, path, root) {
  const pattern = /(?:\bfrom|\bimport|\bimport\(|new URL\()\s*['"](\.{0,2}\/?[^'"]+)['"]/g;
  for (const [, name] of text.matchAll(pattern)) {
    const target = normalize(join(dirname(path), name));
    const sources = ['.ts', '.tsx'].map((end) => target.replace(/\.js$/, end));
    for (const candidate of [target, ...sources]) {
      if (existsSync(join(root, candidate)) && statSync(join(root, candidate)).isFile()) {
        yield candidate;
      }
    }
  }
}

/** Map of path (relative to the root) to { text, uses }. */
export function readTree(root) {
  const tree = new Map();
  for (const folder of FOLDERS) {
    if (!existsSync(join(root, folder))) continue;
    for (const absolute of walk(join(root, folder))) {
      if (!isSource(absolute)) continue;
      const path = relative(root, absolute);
      const text = readFileSync(absolute, 'utf8');
      const found = /\.(cc|h)$/.test(path) ? includes(text, root) : imports(text, path, root);
      tree.set(path, { text, uses: [...found] });
    }
  }
  return tree;
}
