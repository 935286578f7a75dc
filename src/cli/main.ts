#!/usr/bin/env node
// The command line: `rookery start`, `rookery account add`, and so on.

import { Command, CommanderError } from 'commander';
import { errorText, UserError } from '../base/errors.js';
import { version } from '../base/version.js';
import { addAccountCommands } from './account.js';
import { addBenchCommand } from './bench.js';
import type { ChatOptions } from './chat.js';
import { check } from './check.js';
import { stop } from './control.js';
import { addOperationCommands } from './operation-commands.js';
import { report } from './report.js';
import { top } from './top/top.js';
import { trace } from './trace.js';

interface ConfigOption {
  readonly config?: string;
}

function buildProgram(): Command {
  const program = new Command('rookery')
    .description('A messaging server that holds millions of phones on one big machine.')
    .version(version)
    .exitOverride();
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).option('--config <file>', 'configuration file');
  command('start', 'run the server in the foreground').action(async (option: ConfigOption) => {
    // Loaded only here: the other commands need neither the engine nor the pool.
    const { startInForeground } = await import('../boot/foreground.js');
    await startInForeground(option.config);
  });
  command('stop', 'stop the server gracefully').action(stop);
  command(
    'check',
    'check configuration, certificate, ports, data folder, kernel settings and the disk',
  ).action(check);
  command('report', 'write everything that a report of a bug needs into one file, without secrets')
    .option('--output <file>', 'the file; rookery-report-TIME.json when left out')
    .action(report);
  command('top', 'show how the server is, second by second')
    .option('--plain', 'a line for each interval; so it is when the output is no terminal')
    .option('--interval <seconds>', 'seconds between two looks', '1')
    .option('--count <n>', 'stop after so many')
    .option('--json', 'every sample as JSON, a line each')
    .option('--record <file>', 'keep the samples in a new file')
    .option('--replay <file>', 'show a recording')
    .option('--speed <n>', 'how many times as fast to show it', '1')
    .action(top);
  command('trace <user>', 'show the stanzas of a user as they come and go')
    .option('--bodies', 'show what people say, too')
    .option('--json', 'as JSON, a line each')
    .option('--seconds <seconds>', 'stop after so many')
    .action(trace);
  addAccountCommands(program);
  addOperationCommands(program);
  addBenchCommand(program);
  program
    .command('chat [number]')
    .description('chat in the terminal, as a phone with a number of its own')
    .requiredOption('--as <number>', 'your number, with its country code')
    .option('--server <url>', 'HTTP address of the server', 'http://127.0.0.1:5280')
    .option('--folder <folder>', 'where the account and the messages are kept')
    .action(async (number: string | undefined, options: ChatOptions) => {
      // Loaded only here: nothing else needs the client.
      const { chat } = await import('./chat.js');
      await chat(number, options);
    });
  return program;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UserError) {
    console.error(error.message);
    if (error.advice !== '') console.error(error.advice);
    return error.exitCode;
  }
  console.error(
    error instanceof Error && error.stack !== undefined ? error.stack : errorText(error),
  );
  return 70;
}

// Whoever reads our output may stop at any line (`| head`): that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 70);
});

try {
  await buildProgram().parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
