// Where a server and its command line meet: a Unix socket in the data folder.

import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `sockaddr_un` holds 107 bytes of a path. */
const MAX_SOCKET_PATH_BYTES = 107;

/** The socket of a data folder; in the temporary folder when the data folder's name is too long. */
export function adminSocketPath(dataFolder: string): string {
  const path = join(dataFolder, 'admin.sock');
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path;
  const name = createHash('sha256').update(path).digest('hex').slice(0, 24);
  return join(tmpdir(), `rookery-${process.getuid?.() ?? 0}-${name}.sock`);
}
