// The metrics of what is not the engine: control plane, process, machine, alarms.

import type { Sample } from '../sample.js';
import type { Labels, Metric, MetricKind, Series } from './metric.js';

function one(
  name: string,
  kind: MetricKind,
  help: string,
  read: (sample: Sample) => number,
): Metric {
  return {
    name: `rookery_${name}`,
    kind,
    help,
    labels: [],
    factor: 1,
    read: (sample) => [[{}, read(sample)]],
  };
}

function many(
  name: string,
  kind: MetricKind,
  help: string,
  label: string,
  read: (sample: Sample) => Iterable<readonly [string, Series[1]]>,
  factor = 1,
): Metric {
  return {
    name: `rookery_${name}`,
    kind,
    help,
    labels: [label],
    factor,
    *read(sample): Generator<Series> {
      for (const [value, figure] of read(sample)) yield [{ [label]: value }, figure];
    },
  };
}

const server: Metric[] = [
  {
    ...one('build_info', 'gauge', 'always 1; the label is the version', () => 1),
    labels: ['version'],
    read: ({ server: { version } }) => [[{ version } as Labels, 1]],
  },
  one('uptime_seconds', 'gauge', 'since the start', ({ server: s }) => s.uptimeSeconds),
  one('accounts', 'gauge', 'accounts', ({ server: s }) => s.accounts),
  one('users_online', 'gauge', 'users with an available session', ({ server: s }) => s.usersOnline),
  one(
    'handlers_version',
    'gauge',
    'version of the handlers, which grows with each reload',
    (sample) => sample.server.handlersVersion,
  ),
  one(
    'certificate_end_seconds',
    'gauge',
    'when the certificate ends, since 1970; 0: unreadable',
    (sample) => sample.server.certificateEnds / 1000,
  ),
];

const control: Metric[] = [
  many(
    'event_loop_lag_seconds',
    'gauge',
    'how late the event loop of the main thread was in the last second',
    'of',
    ({ control: { eventLoopLagMs } }) => Object.entries(eventLoopLagMs),
    1e-3,
  ),
  one(
    'event_loop_busy_ratio',
    'gauge',
    'share of the last second that the main thread worked',
    (sample) => sample.control.eventLoopBusy,
  ),
  many('heap_bytes', 'gauge', 'memory of the main thread’s JavaScript', 'of', ({ control: c }) => [
    ['used', c.heap.usedBytes],
    ['total', c.heap.totalBytes],
    ['external', c.heap.externalBytes],
  ]),
  many(
    'handler_seconds',
    'histogram',
    'how long handlers took to answer, by the namespace that was asked',
    'namespace',
    ({ control: c }) => c.handlers.map(({ namespace, us }) => [namespace, us]),
    1e-6,
  ),
];

const machine: Metric[] = [
  many('process_cpu_seconds_total', 'counter', 'CPU time of the process', 'mode', ({ os }) => [
    ['user', os.cpu.process.userSeconds],
    ['system', os.cpu.process.systemSeconds],
  ]),
  many('machine_cpu_seconds_total', 'counter', 'CPU time of all cores', 'mode', ({ os }) => [
    ['user', os.cpu.machine.userSeconds],
    ['system', os.cpu.machine.systemSeconds],
    ['idle', os.cpu.machine.idleSeconds],
    ['iowait', os.cpu.machine.ioWaitSeconds],
    ['steal', os.cpu.machine.stolenSeconds],
  ]),
  one('machine_cores', 'gauge', 'cores that the process may use', ({ os }) => os.cpu.cores),
  many('machine_load', 'gauge', 'load averages', 'minutes', ({ os }) => [
    ['1', os.cpu.load[0]],
    ['5', os.cpu.load[1]],
    ['15', os.cpu.load[2]],
  ]),
  one(
    'process_resident_bytes',
    'gauge',
    'memory of the process',
    ({ os }) => os.memory.residentBytes,
  ),
  one(
    'process_memory_limit_bytes',
    'gauge',
    'memory that the process may take',
    ({ os }) => os.memory.limitBytes,
  ),
  one(
    'machine_memory_available_bytes',
    'gauge',
    'memory of the machine to be had',
    ({ os }) => os.memory.availableBytes,
  ),
  one('machine_memory_bytes', 'gauge', 'memory of the machine', ({ os }) => os.memory.totalBytes),
  many('descriptors', 'gauge', 'open descriptors of each table', 'table', ({ os }) => [
    ['main', os.descriptors.main],
    ...os.descriptors.shards.map((count, id) => [`shard-${id}`, count] as const),
  ]),
  one(
    'descriptors_limit',
    'gauge',
    'descriptors that a table may hold',
    ({ os }) => os.descriptors.limit,
  ),
  many('tcp_sockets', 'gauge', 'TCP sockets of the machine', 'state', ({ os }) => [
    ['in use', os.sockets.inUse],
    ['orphaned', os.sockets.orphaned],
    ['time wait', os.sockets.timeWait],
  ]),
  one(
    'tcp_memory_bytes',
    'gauge',
    'memory of the machine’s TCP sockets',
    ({ os }) => os.sockets.memoryBytes,
  ),
  many('tcp_segments_total', 'counter', 'TCP segments of the machine', 'direction', ({ os }) => [
    ['in', os.tcp.segmentsIn],
    ['out', os.tcp.segmentsOut],
  ]),
  one(
    'tcp_retransmitted_total',
    'counter',
    'TCP segments of the machine that were sent again',
    ({ os }) => os.tcp.retransmitted,
  ),
  many('tcp_listen_lost_total', 'counter', 'connections that a backlog lost', 'why', ({ os }) => [
    ['overflow', os.tcp.listenOverflows],
    ['drop', os.tcp.listenDrops],
  ]),
  many('disk_bytes', 'gauge', 'the file system of the data folder', 'of', ({ os }) => [
    ['total', os.disk.totalBytes],
    ['free', os.disk.freeBytes],
  ]),
  many(
    'process_disk_bytes_total',
    'counter',
    'what the process read and wrote',
    'direction',
    ({ os }) => [
      ['read', os.disk.readBytes],
      ['written', os.disk.writtenBytes],
    ],
  ),
];

const alarms: Metric[] = [
  {
    name: 'rookery_alarm',
    kind: 'gauge',
    help: '1 for each alarm that is raised (docs/ALARMS.md)',
    labels: ['rule', 'subject', 'severity'],
    factor: 1,
    read: (sample) =>
      sample.alarms.map(({ rule, subject, severity }) => [{ rule, subject, severity }, 1]),
  },
];

/** All of them. */
export const systemMetrics: readonly Metric[] = [...server, ...control, ...machine, ...alarms];
