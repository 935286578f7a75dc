// The probes that native/stats/probes.h declares are in the addon, and the scripts for bpftrace ask
// for none that is not, nor for an argument that it does not have. (bpftrace itself needs a kernel
// that lets it; this needs only readelf.)

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const ADDON = 'build-cmake/RelWithDebInfo/rookery.node';
const SCRIPTS = 'scripts/bpftrace';

/** Probe → number of arguments. */
function declared(): Map<string, number> {
  const header = readFileSync('native/stats/probes.h', 'utf8');
  const uses = header.matchAll(/^(?!#).*ROOKERY_PROBE(\d)\((\w+),/gmu);
  return new Map([...uses].map(([, count, name]) => [String(name), Number(count)]));
}

function inAddon(): Map<string, number> {
  const notes = execFileSync('readelf', ['-n', ADDON], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const found = notes.matchAll(/Provider: rookery\s+Name: (\w+)\s+Location:.*\s+Arguments: (.*)/gu);
  return new Map(
    [...found].map(([, name, words]) => [String(name), String(words).split(' ').length]),
  );
}

describe('static probes', () => {
  it('are in the addon with all their arguments', () => {
    const probes = declared();
    assert.ok(probes.size >= 8);
    assert.deepEqual([...inAddon()].sort(), [...probes].sort());
  });

  for (const file of readdirSync(SCRIPTS)) {
    it(`${file} asks for what there is`, () => {
      const probes = declared();
      const text = readFileSync(`${SCRIPTS}/${file}`, 'utf8');
      const blocks = text.split(/^usdt:\*:rookery:/mu).slice(1);
      assert.ok(blocks.length > 0);
      for (const block of blocks) {
        const name = /^\w+/u.exec(block)?.[0] ?? '';
        const count = probes.get(name);
        assert.ok(count !== undefined, name);
        const body = block.slice(0, block.indexOf('\n}\n'));
        for (const [, index] of body.matchAll(/\barg(\d)\b/gu)) {
          assert.ok(Number(index) < count, `${name} has ${count} arguments: arg${index}`);
        }
      }
    });
  }
});
