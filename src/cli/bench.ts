// `rookery bench SCENARIO`: load for sizing hardware. The clients are a program of its own
// (native/load), which stands beside the addon; here is what it is told, the accounts that it logs
// in with, and its figures for people to read.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UserError } from '../base/errors.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { DataLock } from '../services/data-lock.js';
import { type MadeAccounts, makeAccounts } from './bench-accounts.js';
import { type BenchFigures, renderFigures } from './bench-report.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const DEFAULT_PORTS = { xmpp: 5222, websocket: 5280, compact: 5224 };

interface BenchOptions {
  readonly config?: string;
  readonly server?: string;
  readonly protocol: 'xmpp' | 'websocket' | 'compact';
  readonly tls: 'none' | 'starttls' | 'direct';
  readonly users?: string;
  readonly makeAccounts?: true;
  readonly keepAccounts?: true;
  readonly addresses?: number;
  readonly seconds?: number;
  readonly pid?: number;
  readonly json?: true;
  readonly [name: string]: unknown;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('A number is wanted.');
  return value;
}

/** What goes to the program as it is, and which scenarios know it. */
const PASSED: Readonly<
  Record<string, { readonly to: string; readonly help: string; readonly of: string }>
> = {
  connections: { to: 'connections', help: 'how many log in', of: 'idle logins storm' },
  pairs: { to: 'pairs', help: 'how many write to one other each', of: 'chat open storm' },
  outstanding: { to: 'outstanding', help: 'messages of a pair under way', of: 'chat' },
  rate: { to: 'rate', help: 'messages a second, of all pairs together', of: 'open storm' },
  body: { to: 'body', help: 'bytes of a message’s text', of: 'chat open' },
  rounds: { to: 'rounds', help: 'how often everybody logs in', of: 'logins' },
  senders: { to: 'senders', help: 'how many write to people who are away', of: 'offline' },
  messages: { to: 'messages', help: 'how many messages each of them sends', of: 'offline' },
  recipients: { to: 'recipients', help: 'how many people are away', of: 'offline' },
};

const SCENARIOS: Readonly<Record<string, string>> = {
  idle: 'connections that say nothing: memory and CPU of each, and whether it can be reached',
  chat: 'pairs that write as fast as they are answered: throughput, latency, CPU of a message',
  open: 'pairs that write at a given rate whatever happens: latency from the intended time',
  offline: 'messages to people who are away: how fast they are safe, and that all arrive once',
  logins: 'everybody logs in, again and again: CPU and time of a login',
  storm: 'the server is restarted and all return at once, while pairs go on writing',
};

function findProgram(): string {
  const places = [
    `${root}build-cmake/RelWithDebInfo/rookery-load`,
    `${root}prebuilds/rookery-${process.platform}-${process.arch}/rookery-load`,
  ];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new UserError(
    `The load generator is missing: neither ${places.join(' nor ')}.`,
    'In a checkout scripts/setup builds it, elsewhere npm rebuild rookery.',
  );
}

/** The address that clients of this protocol find the configured server at. */
function serverOf(config: Config, { protocol, tls }: BenchOptions): string {
  const direct = tls === 'direct';
  const lists = {
    xmpp: direct ? config.xmpp.directTls : config.xmpp.listen,
    websocket: direct ? config.websocket.directTls : config.websocket.listen,
    compact: config.compact.listen,
  };
  const listen = lists[protocol][0];
  if (listen === undefined) {
    throw new UserError(`The configuration has no listener for ${protocol}.`, 'Give --server.', 2);
  }
  const port = listen.slice(listen.lastIndexOf(':') + 1);
  return `127.0.0.1:${port === '0' ? DEFAULT_PORTS[protocol] : port}`;
}

/** How many accounts a scenario takes, when every connection has one of its own. */
function accountsNeeded(scenario: string, options: BenchOptions): number {
  const value = (name: string, fallback: number) => Number(options[name] ?? fallback);
  switch (scenario) {
    case 'chat':
      return 2 * value('pairs', 100);
    case 'open': {
      const groups = String(options.groups ?? `${value('pairs', 100)}x`).split(',');
      return groups.reduce((sum, group) => sum + 2 * Number.parseInt(group, 10), 0);
    }
    case 'offline':
      return value('senders', 500) + value('recipients', 2000);
    case 'storm':
      return 2 * value('pairs', 100) + value('connections', 10_000);
    default:
      return value('connections', scenario === 'idle' ? 10_000 : 1000);
  }
}

function programWords(
  scenario: string,
  options: BenchOptions,
  config: Config,
  made: MadeAccounts | undefined,
): string[] {
  const words = [scenario, '--protocol', options.protocol, '--security', options.tls];
  const give = (name: string, value: unknown) => {
    if (value !== undefined) words.push(`--${name}`, String(value));
  };
  give('server', options.server ?? serverOf(config, options));
  give('domain', options.domain ?? config.domain);
  give('users', made?.file ?? options.users);
  give('device-secret', made?.deviceSecret);
  give('acks', options.acks === true ? 1 : undefined);
  give('mechanism', options.mechanism);
  for (const [name, { to, of }] of Object.entries(PASSED)) {
    if (options[name] === undefined) continue;
    if (!of.split(' ').includes(scenario)) {
      throw new UserError(`The scenario ${scenario} has no --${name}.`, `It is for: ${of}.`, 2);
    }
    give(to, options[name]);
  }
  if (scenario === 'open') give('groups', options.groups);
  if (scenario === 'storm') give('restart-command', options.restartCommand);
  if (options.seconds !== undefined && scenario !== 'logins' && scenario !== 'offline') {
    give('ms', options.seconds * 1000);
  }
  if (options.addresses !== undefined) {
    const clients = accountsNeeded(scenario, options);
    give('per-source', Math.max(1, Math.ceil(clients / options.addresses)));
  }
  give('parallel', options.parallel);
  give('processes', options.processes);
  // A server of ours says which process it is; of others on this machine the port does.
  const local = options.server === undefined ? DataLock.holder(config.data)?.pid : undefined;
  give('pid', options.pid ?? local);
  return words;
}

function runProgram(words: readonly string[]): Promise<{ text: string; code: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(findProgram(), words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (part: string) => {
      text += part;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ text, code: code ?? 70 }));
  });
}

async function bench(scenario: string, options: BenchOptions): Promise<void> {
  const { config } = loadConfig(options.config);
  if (options.makeAccounts && options.users !== undefined) {
    throw new UserError('--make-accounts and --users exclude each other.', '', 2);
  }
  if (options.makeAccounts && options.server !== undefined && !/^127\./u.test(options.server)) {
    throw new UserError(
      '--make-accounts makes them in the server of this configuration, on this machine.',
      'Make the accounts on the other one and name them with --users.',
      2,
    );
  }
  const made = options.makeAccounts
    ? await makeAccounts(config, accountsNeeded(scenario, options), options.protocol === 'compact')
    : undefined;
  try {
    const { text, code } = await runProgram(programWords(scenario, options, config, made));
    if (text.startsWith('{')) {
      console.log(options.json ? text.trim() : renderFigures(JSON.parse(text) as BenchFigures));
    }
    if (code !== 0) process.exitCode = code;
  } finally {
    await made?.remove(options.keepAccounts === true);
  }
}

/** Adds `rookery bench`. */
export function addBenchCommand(program: Command): void {
  const list = Object.entries(SCENARIOS).map(([name, what]) => `  ${name.padEnd(9)}${what}`);
  const command = program
    .command('bench')
    .description('put load on a server and measure it')
    .argument('<scenario>', 'one of those below')
    .option('--config <file>', 'configuration file')
    .option('--server <address:port>', 'another server than that of the configuration')
    .option('--domain <domain>', 'its domain')
    .addOption(
      new Option('--protocol <protocol>').choices(['xmpp', 'websocket', 'compact']).default('xmpp'),
    )
    .addOption(new Option('--tls <how>').choices(['none', 'starttls', 'direct']).default('none'))
    .addOption(new Option('--mechanism <how>', 'SCRAM-SHA-1 or PLAIN').choices(['scram', 'plain']))
    .option('--acks', 'acknowledgements (XEP-0198); the compact protocol always has them')
    .option('--users <file.csv>', 'accounts: lines of user,password')
    .option('--make-accounts', 'make the accounts for this run, and delete them behind it')
    .option('--keep-accounts', 'do not delete them; says where their passwords are')
    .option('--groups <list>', 'open: groups of pairs, PAIRSxRATE,PAIRSxRATE …')
    .option('--restart-command <command>', 'storm: restarts the server; without it you are asked')
    .option('--seconds <seconds>', 'how long to measure', count)
    .option('--parallel <count>', 'logins under way at once', count)
    .option('--addresses <count>', 'source addresses in 127/8, for a server on this machine', count)
    .option('--processes <count>', 'client processes', count)
    .option('--pid <pid>', 'the server’s process, for its CPU and memory', count)
    .option('--json', 'the figures as JSON')
    .addHelpText('after', `\nScenarios:\n${list.join('\n')}`)
    .action(async (scenario: string, options: BenchOptions) => {
      if (SCENARIOS[scenario] === undefined) {
        const names = Object.keys(SCENARIOS).join(', ');
        throw new UserError(`There is no scenario ${scenario}.`, `There are: ${names}.`, 2);
      }
      await bench(scenario, options);
    });
  for (const [name, { help, of }] of Object.entries(PASSED)) {
    command.option(`--${name} <count>`, `${of.replaceAll(' ', ', ')}: ${help}`, count);
  }
}
