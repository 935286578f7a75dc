// scripts/check-layers.mjs on small trees, each with one thing wrong.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../scripts/check-layers.mjs', import.meta.url));

/** The problems that the script finds in a tree of these files. */
function problems(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'rookery-layers-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const { status, stderr } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
    const found = stderr.split('\n').filter(Boolean);
    assert.equal(status, found.length === 0 ? 0 : 1, stderr);
    return found;
  } finally {
    rmSync(root, { recursive: true });
  }
}

const good = {
  'native/base/types.h': '// Types.\n',
  'native/queue/ring.h': '// A ring.\n#include "base/types.h"\n',
  'native/queue/ring.cc': '// The ring.\n#include "queue/ring.h"\n',
  'native/binding/addon.cc': '// The door.\n#include <napi.h>\n#include "queue/ring.h"\n',
  'src/base/errors.ts': '// Errors.\nexport const one = 1;\n',
  'src/index.ts': "// The package.\nexport { one } from './base/errors.js';\n",
};

describe('check-layers', () => {
  it('has nothing to say of a tree in order', () => {
    assert.deepEqual(problems(good), []);
  });

  it('sees an include and an import to the right', () => {
    const found = problems({
      ...good,
      'native/base/types.h': '// Types.\n#include "queue/ring.h"\n',
      'src/base/errors.ts': "// Errors.\nexport { two } from '../engine/two.js';\n",
      'src/engine/two.ts': '// Two.\nexport const two = 2;\n',
    });
    assert.deepEqual(found, [
      'native/base/types.h: uses native/queue/ring.h, which stands to its right',
      'src/base/errors.ts: uses src/engine/two.ts, which stands to its right',
    ]);
  });

  it('sees folders of one group that use each other, and a folder without a place', () => {
    const found = problems({
      ...good,
      'native/memory/pool.h': '// A pool.\n#include "queue/ring.h"\n',
      'native/other/thing.h': '// A thing.\n',
      'native/binding/addon.cc':
        '// The door.\n#include "memory/pool.h"\n#include "other/thing.h"\n' +
        '#include "queue/ring.h"\n',
    });
    assert(
      found.includes('native/memory/pool.h: uses native/queue/ring.h, which stands to its right'),
    );
    assert(found.includes('native/other/thing.h: the folder other is not in layers.json'));
  });

  it('sees a second includer of napi.h, and one in the wrong place of lmdb.h', () => {
    const found = problems({
      ...good,
      'native/queue/ring.cc': '// The ring.\n#include "queue/ring.h"\n#include <napi.h>\n',
      'native/queue/ring.h': '// A ring.\n#include "base/types.h"\n#include <lmdb.h>\n',
    });
    assert.deepEqual(found, [
      'napi.h is included by native/binding/addon.cc and native/queue/ring.cc',
      'native/queue/ring.cc: only native/binding/addon.cc may include napi.h',
      'native/queue/ring.h: only native/store/ may include lmdb.h',
    ]);
  });

  it('sees files that are too long, too wide, or open without a comment', () => {
    const found = problems({
      ...good,
      'native/base/types.h': `// Types.\n${'int a;\n'.repeat(600)}`,
      'native/queue/ring.h': `// ${'é'.repeat(98)}\n#include "base/types.h"\n`,
      'src/base/errors.ts': 'export const one = 1;\n',
    });
    assert.deepEqual(found, [
      'native/base/types.h: 601 lines, 600 are the limit',
      'native/queue/ring.h:1: 101 columns',
      'src/base/errors.ts: does not open with a comment',
    ]);
  });

  it('sees what nobody uses', () => {
    const found = problems({
      ...good,
      'native/base/lost.h': '// Lost.\n',
      'native/base/lost.cc': '// Lost.\n#include "base/lost.h"\n',
      'src/base/lost.ts': '// Lost.\nexport const lost = 1;\n',
      'test/helper.ts': '// Helps nobody.\nexport const help = 1;\n',
    });
    assert.deepEqual(found.sort(), [
      'native/base/lost.cc: nobody uses it',
      'native/base/lost.h: nobody uses it',
      'src/base/lost.ts: nobody uses it',
      'test/helper.ts: nobody uses it',
    ]);
  });
});
