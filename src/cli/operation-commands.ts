// Commands that only ask the server, made from the registry of operations.

import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { loadConfig } from '../config/load.js';
import { fieldKind, typedValue } from '../http/query.js';
import { confirmWords } from '../operations/confirm.js';
import type { AnyOperation, Operation } from '../operations/operation.js';
import { operations, streams } from '../operations/registry.js';
import type { AnyStream } from '../operations/stream.js';
import { readServer } from './admin-client.js';
import { withOperations } from './perform.js';

/** What the groups of commands are for. */
const GROUPS: Readonly<Record<string, string>> = {
  account: 'manage the accounts',
  device: 'manage the devices of an account',
  alarm: 'see and acknowledge alarms',
  sample: 'every figure of the server, as JSON',
  token: 'manage the tokens of the admin HTTP interface',
};

/** What commands are made from. */
type Asked = Pick<AnyOperation, 'name' | 'summary' | 'input'> & {
  readonly look?: { readonly arguments?: readonly string[] };
};

interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
}

function describe(field: z.ZodType): string {
  return z.globalRegistry.get(field)?.description ?? '';
}

function isOptional(field: z.ZodType): boolean {
  return field.safeParse(undefined).success;
}

/** `maxItems` → `--max-items`. */
function optionName(field: string): string {
  return field.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);
}

function choices(field: z.ZodType): string[] {
  let inner: unknown = field;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodOptional) inner = inner.unwrap();
  return inner instanceof z.ZodEnum ? inner.options.map(String) : [];
}

function addOption(command: Command, name: string, field: z.ZodType): void {
  const flag = fieldKind(field) === 'flag';
  const option = new Option(
    `--${optionName(name)}${flag ? '' : ` <${optionName(name)}>`}`,
    describe(field),
  );
  if (choices(field).length > 0) option.choices(choices(field));
  if (!isOptional(field)) option.makeOptionMandatory();
  command.addOption(option);
}

/** A command under the group that its operation's first word names. */
function commandFor(program: Command, operation: Asked): Command {
  const [first = '', second] = operation.name.split(' ');
  const words = `${operation.summary.charAt(0).toLowerCase()}${operation.summary.slice(1)}`;
  if (second === undefined) return program.command(first).description(words);
  const group =
    program.commands.find((command) => command.name() === first) ??
    program.command(first).description(GROUPS[first] ?? '');
  return group.command(second).description(words);
}

function inputOf(
  operation: Asked,
  places: readonly (string | undefined)[],
  options: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = operation.look?.arguments ?? [];
  const input: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(operation.input.shape)) {
    const place = names.indexOf(name);
    const written = place < 0 ? options[name] : places[place];
    if (written === undefined) continue;
    input[name] =
      typeof written !== 'string'
        ? written
        : fieldKind(field) === 'list'
          ? written.split(',')
          : typedValue(field, written);
  }
  const checked = operation.input.safeParse(input);
  if (!checked.success) throw new UserError(z.prettifyError(checked.error), '', 2);
  return input;
}

/** Asks on a terminal; scripts know what they do. */
export async function confirmed(
  { confirm }: Pick<AnyOperation, 'confirm'>,
  input: Readonly<Record<string, unknown>>,
  { yes }: CommonOptions,
): Promise<boolean> {
  if (confirm === undefined || yes === true || !process.stdin.isTTY) return true;
  const question = confirmWords(confirm, input);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/iu.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

/** Values in words, when an operation has none of its own for them. */
function plain(output: unknown): string {
  if (typeof output !== 'object' || output === null) return String(output);
  return Object.entries(output)
    .map(([name, value]) => {
      const text = typeof value === 'object' ? JSON.stringify(value, undefined, 2) : String(value);
      return `${name}: ${text}`;
    })
    .join('\n');
}

/** Does the operation and prints what it answers. */
async function act(
  operation: AnyOperation,
  input: Record<string, unknown>,
  options: CommonOptions,
): Promise<void> {
  const { config } = loadConfig(options.config);
  if (!(await confirmed(operation, input, options))) throw new UserError('Not done.');
  const output = await withOperations(config, operation.offline ?? false, (perform) =>
    perform(operation as Operation, input),
  );
  const text =
    options.json === true
      ? JSON.stringify(output, undefined, 2)
      : (operation.look?.print?.(output, input) ?? plain(output));
  console.log(text);
}

/** Prints what a stream sends, until it ends or Ctrl-C. */
async function follow(
  asked: AnyStream,
  input: Record<string, unknown>,
  options: CommonOptions,
): Promise<void> {
  const { config } = loadConfig(options.config);
  const stopped = new AbortController();
  process.once('SIGINT', () => stopped.abort());
  const show = (json: string): void => {
    const item: unknown = JSON.parse(json);
    const { missed } = item as { missed?: number };
    if (missed !== undefined) console.error(`${missed} left out: this is read too slowly.`);
    else if (options.json === true) console.log(json);
    else console.log(asked.look?.print?.(item, input) ?? plain(item));
  };
  await readServer(config.data, asked, input, show, stopped.signal);
}

function addCommand(
  program: Command,
  operation: Asked,
  confirm: string | undefined,
  run: (input: Record<string, unknown>, options: CommonOptions) => Promise<void>,
): void {
  const command = commandFor(program, operation)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as JSON');
  if (confirm !== undefined) command.option('--yes', 'do not ask');
  const places = operation.look?.arguments ?? [];
  for (const name of places) {
    const field = operation.input.shape[name] as z.ZodType;
    const shown = optionName(name);
    command.argument(isOptional(field) ? `[${shown}]` : `<${shown}>`, describe(field));
  }
  for (const [name, field] of Object.entries(operation.input.shape)) {
    if (!places.includes(name)) addOption(command, name, field as z.ZodType);
  }
  command.action(async (...given: unknown[]) => {
    const options = given[places.length] as Record<string, unknown> & CommonOptions;
    const words = given.slice(0, places.length) as (string | undefined)[];
    await run(inputOf(operation, words, options), options);
  });
}

/** Adds a command for every operation that has none of its own. */
export function addOperationCommands(program: Command): void {
  for (const operation of operations) {
    if (operation.look?.handmade === true) continue;
    addCommand(program, operation, operation.confirm, (input, options) =>
      act(operation, input, options),
    );
  }
  for (const asked of streams) {
    if (asked.look?.handmade === true) continue;
    addCommand(program, asked, undefined, (input, options) => follow(asked, input, options));
  }
}
