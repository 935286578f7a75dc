// Plays: protocol conversations written as text (test/scenarios/*.play). This file reads them; what
// a line does stands in play-runner.ts.
//
//   play: a message to a bare address reaches the resource with the highest priority
//   server: open
//   alice connects
//   bob/phone connects with priority 5
//   alice sends: <message to='{bob}' type='chat'><body>hi</body></message>
//   bob/phone receives: <message from='{alice}' type='chat'><body>hi</body></message>
//   bob/tablet receives nothing
//
// A speaker is `user` or `user/resource` (resource `r` where none is named). Every play has
// accounts
// of its own; `{bob}` stands for the bare address, `{bob/phone}` for a full one, `{$x}` for a value
// that the first use remembers. Stanzas may go on in indented lines. In a pattern, an attribute `*`
// takes any value, `absent` none; elements and attributes that the pattern does not name are free.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PlayLine {
  readonly number: number;
  readonly speaker: string;
  readonly verb: string;
}

export interface Play {
  readonly file: string;
  readonly title: string;
  /** Which configuration of the server it wants. */
  readonly server: string;
  readonly lines: readonly PlayLine[];
  /** The users that speak or are spoken of. */
  readonly users: ReadonlySet<string>;
}

/** Reads every play of a folder. */
export function readPlays(folder: string): Play[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.play'));
  return files.sort().flatMap((name) => parsePlays(name, readFileSync(join(folder, name), 'utf8')));
}

/** Reads the plays of one file. */
export function parsePlays(file: string, text: string): Play[] {
  const plays: Play[] = [];
  let title = '';
  let server = 'open';
  let lines: PlayLine[] = [];
  const finish = () => {
    if (title !== '') plays.push({ file, title, server, lines, users: usersOf(lines) });
    lines = [];
    server = 'open';
  };
  for (const { number, line } of joinedLines(text)) {
    const play = /^play: (.+)$/u.exec(line);
    const setting = /^server: (\S+)$/u.exec(line);
    const spoken = /^([a-z][a-z0-9]*(?:\/\S+)?) (.+)$/su.exec(line);
    if (play !== null) {
      finish();
      title = play[1] as string;
    } else if (setting !== null) {
      server = setting[1] as string;
    } else if (spoken !== null) {
      lines.push({ number, speaker: spoken[1] as string, verb: spoken[2] as string });
    } else {
      throw new Error(`${file}:${number}: not a line of a play: ${line}`);
    }
  }
  finish();
  return plays;
}

// Indented lines belong to the line above; comments and empty lines go.
function joinedLines(text: string): { number: number; line: string }[] {
  const joined: { number: number; line: string }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const above = joined.at(-1);
    if (line.trim() === '' || line.startsWith('#')) continue;
    if (/^\s/u.test(line) && above !== undefined) above.line += ` ${line.trim()}`;
    else joined.push({ number: index + 1, line });
  }
  return joined;
}

function usersOf(lines: readonly PlayLine[]): Set<string> {
  const users = new Set<string>();
  for (const { speaker, verb } of lines) {
    if (speaker !== 'wait') users.add(speaker.split('/')[0] as string);
    for (const found of verb.matchAll(/\{([a-z][a-z0-9]*)(?:\/[^}]*)?\}/gu)) {
      users.add(found[1] as string);
    }
  }
  return users;
}
