// `rookery account …`

import { readFileSync } from 'node:fs';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { errorText, UserError } from '../base/errors.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { accountList, accountWrite } from '../operations/account-operations.js';
import { accountsToJson } from '../services/account-wire.js';
import {
  type AccountKeys,
  type AccountOutcome,
  type AccountWrite,
  accountName,
} from '../services/accounts.js';
import { deriveCredentials, preparePassword } from '../services/scram.js';
import { readCsv } from './csv.js';
import { type Perform, withOperations } from './perform.js';
import { type PasswordSource, readPassword } from './prompt.js';

/** Names of one batch of an import: large enough to make its commit cheap, small enough to see. */
const IMPORT_BATCH = 200;

interface ConfigOption {
  readonly config?: string;
}

interface PasswordOptions extends ConfigOption {
  readonly password?: string;
  readonly passwordStdin?: boolean;
}

/** The account that was written. */
function nameOf(text: string, config: Config): string {
  const name = accountName(text, config.domain);
  if (name !== undefined) return name;
  throw new UserError(
    `${text} cannot be an account of ${config.domain}.`,
    `Write a name such as alice or alice@${config.domain}, without spaces and " & ' / : < > @.`,
    2,
  );
}

/** Opens the accounts of a configuration for `work`. */
async function withAccounts<Result>(
  config: Config,
  work: (perform: Perform) => Promise<Result>,
): Promise<Result> {
  return await withOperations(config, true, work);
}

export async function writeAccounts(
  perform: Perform,
  entries: readonly AccountKeys[],
  mode: AccountWrite,
): Promise<AccountOutcome[]> {
  return (await perform(accountWrite, { mode, entries: accountsToJson(entries) })).outcomes;
}

async function writeOne(
  user: string,
  mode: AccountWrite,
  source: PasswordSource,
  option: ConfigOption,
): Promise<void> {
  const { config } = loadConfig(option.config);
  const name = nameOf(user, config);
  const password = await readPassword(source);
  const credentials = await deriveCredentials(password, config.accounts.scramIterations);
  const [outcome] = await withAccounts(config, (perform) =>
    writeAccounts(perform, [{ user: name, credentials }], mode),
  );
  const address = `${name}@${config.domain}`;
  if (outcome === 'exists') {
    throw new UserError(
      `${address} exists already.`,
      'Use `rookery account password` to change it.',
    );
  }
  if (outcome === 'missing') {
    throw new UserError(`There is no account ${address}.`, 'Use `rookery account add` to make it.');
  }
  console.log(outcome === 'added' ? `Added ${address}.` : `Changed the password of ${address}.`);
}

async function list(option: ConfigOption): Promise<void> {
  const { config } = loadConfig(option.config);
  await withAccounts(config, async (perform) => {
    for (let after = ''; ; ) {
      const { users, next } = await perform(accountList, { after });
      for (const user of users) console.log(`${user}@${config.domain}`);
      if (next === '') return;
      after = next;
    }
  });
}

interface ImportEntry {
  readonly user: string;
  readonly password: string;
}

/** Reads the whole file before anything is written, so that all its problems are known at once. */
function readImport(file: string, config: Config): ImportEntry[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`Cannot read ${file}: ${errorText(error)}`, '', 2);
  }
  const entries: ImportEntry[] = [];
  const problems: string[] = [];
  const seen = new Map<string, number>();
  for (const { number, fields } of readCsv(text)) {
    const [first = '', second = ''] = fields;
    if (number === 1 && first === 'user' && second === 'password') continue;
    const user = accountName(first, config.domain);
    const password = preparePassword(second);
    const before = user === undefined ? undefined : seen.get(user);
    if (fields.length !== 2) problems.push(`${file}:${number}: write user,password`);
    else if (user === undefined)
      problems.push(`${file}:${number}: ${first} cannot be a user’s name`);
    else if (password === undefined)
      problems.push(`${file}:${number}: the password cannot be used`);
    else if (before !== undefined)
      problems.push(`${file}:${number}: ${user} stands in line ${before} too`);
    else {
      seen.set(user, number);
      entries.push({ user, password });
    }
  }
  if (problems.length === 0) return entries;
  const shown = problems.slice(0, 20);
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  throw new UserError(`Nothing was imported:\n  ${shown.join('\n  ')}`, 'Correct these lines.', 2);
}

async function importFile(file: string, option: ConfigOption): Promise<void> {
  const { config } = loadConfig(option.config);
  const entries = readImport(file, config);
  const counts = { added: 0, changed: 0, exists: 0, missing: 0 };
  const bar = new SingleBar({
    format: 'Importing [{bar}] {value} of {total} accounts, {eta_formatted} left',
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: 5000,
    hideCursor: true,
  });
  bar.start(entries.length, 0);
  try {
    await withAccounts(config, async (perform) => {
      // The keys of one batch are derived while the one before it is written.
      let writing: Promise<void> = Promise.resolve();
      for (let at = 0; at < entries.length; at += IMPORT_BATCH) {
        const batch = await deriveBatch(entries.slice(at, at + IMPORT_BATCH), config);
        await writing;
        writing = writeAccounts(perform, batch, 'import').then((outcomes) => {
          for (const outcome of outcomes) counts[outcome]++;
          bar.increment(outcomes.length);
        });
        // An early failure is reported where it is awaited, not as an unhandled rejection.
        writing.catch(() => undefined);
      }
      await writing;
    });
  } finally {
    bar.stop();
  }
  console.log(
    `Imported ${entries.length} accounts: ${counts.added} new, ${counts.changed} changed.`,
  );
}

async function deriveBatch(
  entries: readonly ImportEntry[],
  config: Config,
): Promise<AccountKeys[]> {
  const { scramIterations } = config.accounts;
  return await Promise.all(
    entries.map(async ({ user, password }) => ({
      user,
      credentials: await deriveCredentials(password, scramIterations),
    })),
  );
}

/** Adds the account commands. */
function passwordSource(argument: string | undefined, options: PasswordOptions): PasswordSource {
  return { argument: argument ?? options.password, stdin: options.passwordStdin ?? false };
}

export function addAccountCommands(program: Command): void {
  const account = program.command('account').description('manage the accounts');
  const command = (name: string, description: string): Command =>
    account.command(name).description(description).option('--config <file>', 'configuration file');
  command('add', 'make an account')
    .argument('<user>')
    .argument('[password]', 'asked for when it is left out')
    .option('--password <password>', 'the password, for scripts')
    .option('--password-stdin', 'read the password from standard input')
    .action((user: string, argument: string | undefined, options: PasswordOptions) =>
      writeOne(user, 'add', passwordSource(argument, options), options),
    );
  command('password', 'change the password of an account')
    .argument('<user>')
    .argument('[password]', 'asked for when it is left out')
    .option('--password <password>', 'the password, for scripts')
    .option('--password-stdin', 'read the password from standard input')
    .action((user: string, argument: string | undefined, options: PasswordOptions) =>
      writeOne(user, 'change', passwordSource(argument, options), options),
    );
  command('list', 'list the accounts').action(list);
  command('import', 'make or change accounts from lines of user,password')
    .argument('<file.csv>')
    .action(importFile);
}
