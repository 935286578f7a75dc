// `rookery chat`: a phone in the terminal. Registers a number with its PIN, then every line typed
// is a message; what arrives is printed, and the ticks of what was sent.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { errorCode, UserError } from '../base/errors.js';
import {
  type Account,
  type Message,
  openClient,
  Registration,
  RegistrationError,
  type RookeryClient,
} from '../sdk/index.js';

export interface ChatOptions {
  /** The number of this user. */
  readonly as?: string;
  /** The server's HTTP address. */
  readonly server: string;
  /** Where accounts and messages are kept. */
  readonly folder?: string;
}

const TICKS = { queued: '…', accepted: '✓', delivered: '✓✓', read: '✓✓ read', failed: '✗' };
const HELP = [
  '/to NUMBER   chat with somebody else',
  '/chats       list the chats',
  '/seen        when the other side was last here',
  '/history     the last messages of this chat',
  '/block, /unblock, /quit',
].join('\n');

function readAccount(file: string): Account | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Account;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function register(terminal: Interface, number: string, server: string): Promise<Account> {
  try {
    const registration = await Registration.start(server, number);
    if (registration.developmentPin !== undefined) {
      console.log(`The server runs for development; the PIN is ${registration.developmentPin}.`);
    }
    const pin = (await terminal.question(`The PIN that was sent to ${number}: `)).trim();
    return await registration.verify(pin, 'rookery chat');
  } catch (error) {
    if (error instanceof RegistrationError) throw new UserError(error.message, '');
    throw new UserError(
      `The server at ${server} does not answer.`,
      'Give its HTTP address, which it prints in its line `ready`, with --server.',
    );
  }
}

function show(message: Message, name: string): void {
  const time = new Date(message.at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const body = message.retracted ? styleText('dim', '(deleted)') : message.body;
  const tick = message.mine ? styleText('dim', ` ${TICKS[message.tick ?? 'queued']}`) : '';
  const who = message.mine ? 'you' : styleText('bold', name);
  console.log(`${styleText('dim', time)} ${who}: ${body}${tick}`);
}

function nameOf(address: string): string {
  const local = address.split('@')[0] ?? address;
  return /^[0-9]+$/u.test(local) ? `+${local}` : local;
}

function listen(client: RookeryClient): void {
  client.on('message', (message) => {
    show(message, nameOf(message.peer));
    if (!message.mine) void client.markRead(message.peer);
  });
  client.on('change', (message) => {
    if (!message.mine) return;
    const tick = TICKS[message.tick ?? 'queued'];
    const why = message.failure === undefined ? '' : ` (${message.failure})`;
    console.log(styleText('dim', `   ${tick}${why} ${message.body.slice(0, 40)}`));
  });
  client.on('activity', ({ peer, activity }) => {
    if (activity !== 'paused') console.log(styleText('dim', `   ${nameOf(peer)} is ${activity} …`));
  });
  client.on('state', (state) => console.log(styleText('dim', `   ${state}`)));
  client.on('trouble', (why) => console.log(styleText('dim', `   ${why.message}`)));
}

/** One chat at a time. */
class Conversation {
  private peer = '';

  constructor(private readonly client: RookeryClient) {}

  async open(who: string): Promise<void> {
    this.peer = this.client.addressOf(who);
    console.log(`Chatting with ${nameOf(this.peer)}. /help lists the commands.`);
    for (const message of await this.client.history(this.peer, 10)) this.show(message);
    await this.client.markRead(this.peer);
  }

  /** Takes a typed line; false when it was the last. */
  async take(line: string): Promise<boolean> {
    const [command = '', argument = ''] = line.startsWith('/') ? line.split(/\s+(.*)/u) : [''];
    if (command === '/quit') return false;
    if (command === '/help') console.log(HELP);
    else if (command === '/to') await this.open(argument);
    else if (command === '/chats') await this.chats();
    else if (this.peer === '') console.log('Nobody to chat with yet: /to NUMBER');
    else if (command === '/history') await this.history();
    else if (command === '/seen') await this.seen();
    else if (command === '/block') await this.client.block(this.peer);
    else if (command === '/unblock') await this.client.unblock(this.peer);
    else if (command !== '') console.log(`No command ${command}.\n${HELP}`);
    else if (line !== '') await this.client.send(this.peer, line);
    return true;
  }

  private show(message: Message): void {
    show(message, nameOf(message.peer));
  }

  private async chats(): Promise<void> {
    for (const { peer, last, unread } of await this.client.chats()) {
      console.log(`${nameOf(peer)}${unread > 0 ? ` (${unread} unread)` : ''}: ${last.body}`);
    }
  }

  private async history(): Promise<void> {
    for (const message of await this.client.history(this.peer, 50)) this.show(message);
  }

  private async seen(): Promise<void> {
    const seen = await this.client.lastSeen(this.peer);
    if (seen === undefined) console.log('They do not say.');
    else console.log(seen.online ? 'Online now.' : `Last seen ${seen.at.toLocaleString()}.`);
  }
}

/** `rookery chat [NUMBER]`. */
export async function chat(with_: string | undefined, options: ChatOptions): Promise<void> {
  const folder = options.folder ?? join(homedir(), '.local/share/rookery-chat');
  const digits = (options.as ?? '').replace(/[^0-9]/gu, '');
  if (digits === '') {
    throw new UserError('Who are you?', 'Give your number: rookery chat --as +491512… NUMBER', 2);
  }
  const home = join(folder, digits);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const accountFile = join(home, 'account.json');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const lines = terminal[Symbol.asyncIterator]();
  let account = readAccount(accountFile);
  if (account === undefined) {
    account = await register(terminal, options.as ?? '', options.server);
    writeFileSync(accountFile, JSON.stringify(account, undefined, 2), { mode: 0o600 });
  }
  const client = await openClient(account, join(home, 'messages.sqlite'));
  listen(client);
  client.on('refused', (why) => {
    console.error(`${why.message}. Remove ${accountFile} to register again.`);
    terminal.close();
  });
  const conversation = new Conversation(client);
  try {
    if (with_ !== undefined) await conversation.open(with_);
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true || !(await conversation.take(value))) break;
    }
  } finally {
    terminal.close();
    await client.close();
  }
}
