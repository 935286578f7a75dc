// Where a command gets a password: its argument, standard input, or a question on the terminal.

import { text } from 'node:stream/consumers';
import { UserError } from '../base/errors.js';
import { preparePassword } from '../services/scram.js';

/** Options that say where the password is. */
export interface PasswordSource {
  readonly argument: string | undefined;
  readonly stdin: boolean;
}

/** The password, prepared; asks twice on a terminal. */
export async function readPassword({ argument, stdin }: PasswordSource): Promise<string> {
  let password = argument;
  if (stdin) password = (await text(process.stdin)).replace(/\r?\n$/u, '');
  if (password === undefined) {
    if (!process.stdin.isTTY) {
      throw new UserError('No password.', 'Give it as an argument or with --password-stdin.', 2);
    }
    password = await ask('Password: ');
    if ((await ask('Once more: ')) !== password) {
      throw new UserError('The two passwords differ.', 'Try again.', 2);
    }
  }
  const prepared = preparePassword(password);
  if (prepared === undefined) {
    throw new UserError(
      'This password cannot be used.',
      'It must have 1 to 1,023 bytes and no control characters.',
      2,
    );
  }
  return prepared;
}

/** Reads one line from the terminal without showing it. */
function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let typed = '';
    const finish = (outcome: () => void): void => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      process.stderr.write('\n');
      outcome();
    };
    const onData = (data: string): void => {
      for (const character of data) {
        if (character === '\r' || character === '\n') {
          finish(() => resolve(typed));
          return;
        }
        if (character === '\u0003' || character === '\u0004') {
          finish(() => reject(new UserError('Cancelled.', '', 130)));
          return;
        }
        if (character === '\u007f') typed = typed.slice(0, -1);
        else typed += character;
      }
    };
    stdin.on('data', onData);
  });
}
