// Secrets of 32 bytes under the data folder: made at the first start, readable by the server's own
// user alone.

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorText, UserError } from '../base/errors.js';
import { KEY_BYTES, randomBytes } from './sodium.js';

const OTHERS_MASK = 0o077;

/** The secret of that name; made when there is none. */
export function secretFile(dataFolder: string, name: string): Buffer {
  const file = join(dataFolder, name);
  try {
    writeFileSync(file, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') {
      throw new UserError(`${file} cannot be made: ${errorText(error)}`);
    }
  }
  if ((statSync(file).mode & OTHERS_MASK) !== 0) {
    throw new UserError(
      `${file} holds a secret, but others than its owner may read it.`,
      `Use \`chmod 600 ${file}\`; when somebody may have read it, remove it instead.`,
    );
  }
  const text = readFileSync(file, 'utf8').trim();
  if (/^[0-9a-f]{64}$/u.test(text)) return Buffer.from(text, 'hex');
  throw new UserError(
    `${file} does not hold a secret of 64 hexadecimal digits.`,
    'Restore it from a copy, or remove it to have another one made.',
  );
}
