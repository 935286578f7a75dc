// What the generators share: they write their files, or with --check say which are stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes what has changed among `outputs` (path below `root` -> text). With --check on the command
 * line it writes nothing, names stale files, and ends the process with status 1 when there are any.
 */
export function writeOrCheck(root, outputs, name) {
  const check = process.argv.includes('--check');
  let stale = 0;
  for (const [path, wanted] of outputs) {
    const absolute = join(root, path);
    let present = '';
    try {
      present = readFileSync(absolute, 'utf8');
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    if (present === wanted) continue;
    stale += 1;
    if (check) console.error(`${path} is stale: run scripts/generate-${name}.mjs and commit it`);
    else writeFileSync(absolute, wanted);
  }
  if (check && stale > 0) process.exit(1);
  console.log(check ? `${name}: fresh` : `${name}: ${stale} of ${outputs.size} files rewritten`);
}
