#!/usr/bin/env node
// Builds the Node addon, and the load generator beside it, with cmake-js into build-cmake/. The
// same script serves a checkout, npm's install step where no prebuilt addon fits, and node-gyp
// (see binding.gyp).
//   --unless-prebuilt  npm's install step: do nothing when a prebuilt addon fits, or in a checkout
//   --prebuild         afterwards put both, stripped, where the package carries it
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const built = join(root, 'build-cmake', 'RelWithDebInfo');
const addon = join(built, 'rookery.node');
/** The program of `rookery bench`. */
const load = join(built, 'rookery-load');
const flags = new Set(process.argv.slice(2));

function hasProgram(name) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, name)));
}

function prebuiltFits() {
  const bindings = require('pkg-prebuilds');
  return bindings.resolve(root, require('../binding-options.cjs'), true, false) !== null;
}

/** make and node-gyp leave these behind, and they confuse the CMake build below them. */
function cleanEnvironment() {
  const environment = { ...process.env };
  for (const name of ['MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'BUILDTYPE']) delete environment[name];
  // The native tests compile the same engine with the same options in another folder.
  environment.CCACHE_NOHASHDIR = '1';
  return environment;
}

function build() {
  const cmakeJs = require.resolve('cmake-js/bin/cmake-js');
  const options = [
    'build',
    ...['--directory', root, '--out', join(root, 'build-cmake'), '--config', 'RelWithDebInfo'],
    '--CDROOKERY_ADDON=ON',
    // Only used when every object must be compiled again; harmless otherwise.
    ...(hasProgram('ccache')
      ? ['--CDCMAKE_CXX_COMPILER_LAUNCHER=ccache', '--CDCMAKE_C_COMPILER_LAUNCHER=ccache']
      : []),
    ...(hasProgram('ninja') ? ['--generator', 'Ninja'] : []),
  ];
  const { status, error } = spawnSync(process.execPath, [cmakeJs, ...options], {
    cwd: root,
    env: cleanEnvironment(),
    stdio: 'inherit',
  });
  if (error) throw error;
  if (status !== 0) {
    console.error('build-addon: CMake failed, see above');
    process.exit(1);
  }
  for (const file of [addon, load]) {
    if (!existsSync(file)) throw new Error(`the build ended well but left no ${file}`);
  }
}

function putPrebuild() {
  const folder = join(root, 'prebuilds', `rookery-${process.platform}-${process.arch}`);
  rmSync(join(root, 'prebuilds'), { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, name] of [
    [addon, 'node-napi-v8.node'],
    [load, 'rookery-load'],
  ]) {
    const target = join(folder, name);
    copyFileSync(file, target);
    execFileSync('strip', ['--strip-debug', target], { stdio: 'inherit' });
  }
}

// A checkout is built by scripts/setup, which the package does not carry.
const isCheckout = existsSync(join(root, 'scripts', 'setup'));
if (!(flags.has('--unless-prebuilt') && (isCheckout || prebuiltFits()))) {
  build();
  if (flags.has('--prebuild')) putPrebuild();
}
