#!/usr/bin/env node
// Builds the chat page into dist/page: one script, one style sheet, the database's worker and
// SQLite's WebAssembly, all from this origin. Names have hashes, so that they can be cached for
// ever.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const from = join(root, 'src/page');
const to = join(root, 'dist/page');
rmSync(to, { recursive: true, force: true });
mkdirSync(join(to, 'assets'), { recursive: true });

const common = {
  bundle: true,
  format: 'esm',
  target: 'es2023',
  minify: true,
  platform: 'browser',
  // The Node side of the WebSocket link; a browser has its own.
  external: ['ws'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  metafile: true,
  outdir: join(to, 'assets'),
  logLevel: 'warning',
};
await build({
  ...common,
  entryPoints: [join(from, 'database-worker.ts')],
});
const page = await build({
  ...common,
  entryPoints: [join(from, 'main.tsx'), join(from, 'style.css')],
  entryNames: '[name]-[hash]',
});
const names = Object.keys(page.metafile.outputs).map((path) => basename(path));
const named = (pattern) => `assets/${names.find((name) => pattern.test(name))}`;
const html = readFileSync(join(from, 'index.html'), 'utf8')
  .replace('{{script}}', named(/^main-.*\.js$/))
  .replace('{{style}}', named(/^style-.*\.css$/));
writeFileSync(join(to, 'index.html'), html);
cpSync(join(from, 'icon.svg'), join(to, 'icon.svg'));
// The worker looks for it beside itself.
const sqlite = createRequire(import.meta.url).resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm');
cpSync(sqlite, join(to, 'assets/sqlite3.wasm'));
console.log('page: built');
