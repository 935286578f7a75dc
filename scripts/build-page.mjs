#!/usr/bin/env node
// Builds the pages that the server carries: the chat page into dist/page, with the database's
// worker and SQLite's WebAssembly, and the operators' dashboard into dist/dashboard. Each is one
// script and one style sheet, all from its own origin. Names have hashes, so that they can be
// cached for ever.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const options = {
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
  logLevel: 'warning',
};

/** Builds src/NAME into dist/NAME; returns where its assets are. */
async function buildPage(name) {
  const from = join(root, 'src', name);
  const to = join(root, 'dist', name);
  const assets = join(to, 'assets');
  rmSync(to, { recursive: true, force: true });
  mkdirSync(assets, { recursive: true });
  const { metafile } = await build({
    ...options,
    outdir: assets,
    entryPoints: [join(from, 'main.tsx'), join(from, 'style.css')],
    entryNames: '[name]-[hash]',
  });
  const names = Object.keys(metafile.outputs).map((path) => basename(path));
  const named = (pattern) => `assets/${names.find((each) => pattern.test(each))}`;
  const html = readFileSync(join(from, 'index.html'), 'utf8')
    .replace('{{script}}', named(/^main-.*\.js$/))
    .replace('{{style}}', named(/^style-.*\.css$/));
  writeFileSync(join(to, 'index.html'), html);
  cpSync(join(from, 'icon.svg'), join(to, 'icon.svg'));
  return assets;
}

const chat = await buildPage('page');
await build({
  ...options,
  outdir: chat,
  entryPoints: [join(root, 'src/page/database-worker.ts')],
});
// The worker looks for it beside itself.
const sqlite = createRequire(import.meta.url).resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm');
cpSync(sqlite, join(chat, 'sqlite3.wasm'));
await buildPage('dashboard');
console.log('pages: built');
