// One process at a time works on a data folder. The lock is a file with the identity of its
// holder's process, so that it survives neither a crash nor a copy to another machine.

import { linkSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, UserError } from '../base/errors.js';

interface Holder {
  readonly pid: number;
  /** Boot and start time of the process: a number that is used again is another process. */
  readonly identity: string;
  readonly purpose: string;
}

const START_TIME_FIELD = 19;

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // Not there any more, which is an answer too.
  }
}

function identityOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  // The command's name is in parentheses and may contain anything, so count from its end.
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME_FIELD] ?? '';
  return startTime === ''
    ? ''
    : `${readText('/proc/sys/kernel/random/boot_id').trim()}/${startTime}`;
}

/** The lock of a data folder. */
export class DataLock {
  private constructor(private readonly file: string) {}

  /** The process that holds the folder, if one does. */
  static holder(dataFolder: string): Holder | undefined {
    try {
      const holder: unknown = JSON.parse(readText(join(dataFolder, 'rookery.pid')));
      if (typeof holder !== 'object' || holder === null) return undefined;
      const { pid, identity, purpose } = holder as Partial<Holder>;
      if (pid === undefined || identity === undefined || purpose === undefined) return undefined;
      return identity !== '' && identityOf(pid) === identity
        ? { pid, identity, purpose }
        : undefined;
    } catch {
      return undefined; // Torn or empty: its writer did not live to hold it.
    }
  }

  /** Takes the folder, or says who has it. */
  static take(dataFolder: string, purpose: string): DataLock {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
    const file = join(dataFolder, 'rookery.pid');
    const mine = `${file}.${process.pid}`;
    const holder: Holder = { pid: process.pid, identity: identityOf(process.pid), purpose };
    writeFileSync(mine, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
    try {
      for (let attempt = 0; attempt < 3; attempt++) {
        try {
          linkSync(mine, file); // Whole or not at all, and only when there is none.
          return new DataLock(file);
        } catch (error) {
          if (errorCode(error) !== 'EEXIST') throw error;
        }
        const other = DataLock.holder(dataFolder);
        if (other !== undefined) {
          throw new UserError(
            `${dataFolder} is in use by process ${other.pid} (${other.purpose}).`,
            'Stop it with `rookery stop`, or choose another folder with the key `data`.',
            3,
          );
        }
        rmSync(file, { force: true });
      }
      throw new UserError(
        `Cannot take ${file}; another process is taking it too.`,
        'Try again.',
        3,
      );
    } finally {
      unlinkSync(mine);
    }
  }

  release(): void {
    rmSync(this.file, { force: true });
  }
}
