// The version of this package.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function read(): string {
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const json: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return typeof json === 'object' && json !== null && 'version' in json ? String(json.version) : '';
}

export const version = read();
