// What of the machine would hold the server back: kernel settings, descriptors, the disk's fsync,
// and what to do about each. None of it keeps the server from starting.

import {
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Config } from '../config/schema.js';
import { shortBytes } from '../operations/words.js';

/** One look at the machine. */
export interface MachineFact {
  readonly name: string;
  readonly found: string;
  /** What would be better, and how to have it; none when it is well. */
  readonly advice?: string;
}

const FSYNCS = 20;
const FSYNC_BYTES = 4096;
const SLOW_FSYNC_MS = 10;
const LEAST_BACKLOG = 4096;
const LEAST_DESCRIPTORS = 65_536;
const LEAST_FREE_DISK = 2 * 1024 ** 3;
const LEAST_FREE_MEMORY = 256 * 1024 ** 2;

function setting(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function atLeast(path: string, least: number, why: string): MachineFact[] {
  const written = setting(path);
  if (written === undefined) return [];
  const key = path.replaceAll('/', '.');
  const advice = `${why}: \`sysctl -w ${key}=${least}\`, and the same in /etc/sysctl.d/`;
  return [{ name: key, found: written, ...(Number(written) < least ? { advice } : {}) }];
}

function descriptorLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+(\d+)/mu.exec(limits)?.[1] ?? 0);
}

function descriptors({ shards }: Config): MachineFact {
  const limit = descriptorLimit();
  const most = limit * shards;
  return {
    name: 'descriptors',
    found: `${limit} of each shard, ${most} connections on ${shards} shards at the most`,
    ...(limit < LEAST_DESCRIPTORS
      ? {
          advice:
            'more connections need a higher limit (`LimitNOFILE=` of the systemd unit, or ' +
            '`ulimit -n`) or more `shards`: each has a table of its own',
        }
      : {}),
  };
}

function cores({ shards }: Config): MachineFact {
  const available = availableParallelism();
  const found = `${available} cores, ${shards} shards`;
  if (shards <= available) return { name: 'cores', found };
  return {
    name: 'cores',
    found,
    advice: 'more shards than cores serve more connections, and none of them faster',
  };
}

function memory(): MachineFact {
  const found = `${shortBytes(freemem())} free of ${shortBytes(totalmem())}`;
  if (freemem() >= LEAST_FREE_MEMORY) return { name: 'memory', found };
  return { name: 'memory', found, advice: 'make room: under pressure the kernel ends processes' };
}

/** The folder itself, or the nearest one above it that exists. */
function existing(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existing(dirname(folder));
}

function disk(folder: string): MachineFact {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const found = `${shortBytes(free)} free`;
  if (free >= LEAST_FREE_DISK) return { name: 'disk', found };
  return { name: 'disk', found, advice: 'when it is full, messages that must wait are refused' };
}

function fsync(folder: string): MachineFact {
  const file = join(folder, `.rookery-fsync-${process.pid}`);
  const times: number[] = [];
  const descriptor = openSync(file, 'w', 0o600);
  try {
    for (let round = 0; round < FSYNCS; round++) {
      writeSync(descriptor, Buffer.alloc(FSYNC_BYTES, round));
      const began = process.hrtime.bigint();
      fdatasyncSync(descriptor);
      times.push(Number(process.hrtime.bigint() - began) / 1e6);
    }
  } finally {
    closeSync(descriptor);
    rmSync(file, { force: true });
  }
  times.sort((one, other) => one - other);
  const median = times[FSYNCS / 2] ?? 0;
  const slowest = times.at(-1) ?? 0;
  const found = `${median.toFixed(2)} ms, the slowest of ${FSYNCS} ${slowest.toFixed(2)} ms`;
  if (median < SLOW_FSYNC_MS) return { name: 'fsync', found };
  return {
    name: 'fsync',
    found,
    advice:
      'a sender waits so long for the word that a message for somebody absent is safe; put ' +
      '`data` on an SSD, best one with power-loss protection',
  };
}

/** Everything, in the order in which it is worth reading. */
export function machineFacts(config: Config): MachineFact[] {
  const folder = existing(config.data);
  return [
    cores(config),
    memory(),
    descriptors(config),
    ...atLeast('net/core/somaxconn', LEAST_BACKLOG, 'a storm of reconnects overflows the backlog'),
    ...atLeast('net/ipv4/tcp_max_syn_backlog', LEAST_BACKLOG, 'the same, before the handshake'),
    disk(folder),
    fsync(folder),
  ];
}
