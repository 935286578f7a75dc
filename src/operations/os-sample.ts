// What the operating system says of the machine and of this process.

import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { OsSample } from './sample.js';

// What /proc counts in: USER_HZ and the page, the same on every Linux that this runs on.
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const CGROUP = '/sys/fs/cgroup';
const PRESSURE_FREE = 2 ** 60;

function text(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // Some are not there in a container; their figures are then 0.
  }
}

/** The number behind a name in a file of lines such as `MemFree:  123 kB`. */
function named(lines: string, name: string): number {
  const found = new RegExp(`^${name}:?\\s+(\\d+)`, 'mu').exec(lines);
  return found === null ? 0 : Number(found[1]);
}

/** The tables of /proc/net: a line of names, then a line of values, both under one title. */
function netTable(lines: string, title: string): (name: string) => number {
  const rows = lines.split('\n').filter((line) => line.startsWith(`${title}:`));
  const names = rows[0]?.split(/\s+/u) ?? [];
  const values = rows[1]?.split(/\s+/u) ?? [];
  return (name) => Number(values[names.indexOf(name)] ?? 0);
}

/** A limit of the control group, or undefined when there is none. */
function groupLimit(): number | undefined {
  const path = /^0::(.*)$/mu.exec(text('/proc/self/cgroup'))?.[1] ?? '/';
  const limit = Number(text(`${CGROUP}${path === '/' ? '' : path}/memory.max`).trim() || 'none');
  return Number.isFinite(limit) && limit > 0 && limit < PRESSURE_FREE ? limit : undefined;
}

function cpu(): OsSample['cpu'] {
  const fields = (/^cpu\s+(.*)$/mu.exec(text('/proc/stat'))?.[1] ?? '').split(/\s+/u);
  const seconds = (index: number): number => Number(fields[index] ?? 0) / TICKS_PER_SECOND;
  const { user, system } = process.cpuUsage();
  const [one = 0, five = 0, fifteen = 0] = text('/proc/loadavg').split(' ').map(Number);
  return {
    cores: availableParallelism(),
    machine: {
      userSeconds: seconds(0) + seconds(1),
      systemSeconds: seconds(2) + seconds(5) + seconds(6),
      idleSeconds: seconds(3),
      ioWaitSeconds: seconds(4),
      stolenSeconds: seconds(7),
    },
    process: { userSeconds: user / 1e6, systemSeconds: system / 1e6 },
    load: [one, five, fifteen],
  };
}

function memory(configuredBytes: number): OsSample['memory'] {
  const lines = text('/proc/meminfo');
  return {
    totalBytes: named(lines, 'MemTotal') * 1024,
    availableBytes: named(lines, 'MemAvailable') * 1024,
    residentBytes: process.memoryUsage.rss(),
    limitBytes: configuredBytes || (groupLimit() ?? totalmem()),
  };
}

/** How many descriptors the main threads have open. */
function openDescriptors(): number {
  try {
    // Since Linux 6.2 the folder's size is their number; before, it is 0.
    return statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

function sockets(): OsSample['sockets'] {
  const line = /^TCP: (.*)$/mu.exec(text('/proc/net/sockstat'))?.[1] ?? '';
  const figure = (name: string): number =>
    Number(new RegExp(`\\b${name} (\\d+)`, 'u').exec(line)?.[1] ?? 0);
  return {
    inUse: figure('inuse'),
    orphaned: figure('orphan'),
    timeWait: figure('tw'),
    memoryBytes: figure('mem') * PAGE_BYTES,
  };
}

function tcp(): OsSample['tcp'] {
  const basic = netTable(text('/proc/net/snmp'), 'Tcp');
  const more = netTable(text('/proc/net/netstat'), 'TcpExt');
  return {
    segmentsIn: basic('InSegs'),
    segmentsOut: basic('OutSegs'),
    retransmitted: basic('RetransSegs'),
    listenOverflows: more('ListenOverflows'),
    listenDrops: more('ListenDrops'),
  };
}

function disk(folder: string): OsSample['disk'] {
  const io = text('/proc/self/io');
  const { bsize, blocks, bavail } = statfsSync(folder);
  return {
    totalBytes: blocks * bsize,
    freeBytes: bavail * bsize,
    readBytes: named(io, 'read_bytes'),
    writtenBytes: named(io, 'write_bytes'),
  };
}

export interface OsSampleOptions {
  /** On its file system are the server's data. */
  readonly folder: string;
  /** What the server may take; 0: what the system lets it. */
  readonly memoryBytes: number;
  /** Descriptors of each shard's own table. */
  readonly shardDescriptors: readonly number[];
}

/** Looks at the machine and at this process. */
export function osSample(options: OsSampleOptions): OsSample {
  const limits = /^Max open files\s+(\d+)/mu.exec(text('/proc/self/limits'));
  return {
    cpu: cpu(),
    memory: memory(options.memoryBytes),
    descriptors: {
      limit: Number(limits?.[1] ?? 0),
      main: openDescriptors(),
      shards: options.shardDescriptors,
    },
    sockets: sockets(),
    tcp: tcp(),
    disk: disk(options.folder),
  };
}
