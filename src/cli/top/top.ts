// `rookery top`: how the server is, second by second; live or from a recording.

import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { createInterface, emitKeypressEvents } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, UserError } from '../../base/errors.js';
import { loadConfig } from '../../config/load.js';
import { backlogList } from '../../operations/finding-operations.js';
import type { Sample } from '../../operations/sample.js';
import { type ServerView, serverView } from '../../operations/view/server-view.js';
import { callServer, readServer } from '../admin-client.js';
import { plainHeader, plainLine } from './plain.js';
import { type Backlog, PAGES, type Page, screen } from './screen.js';

export interface TopOptions {
  readonly config?: string;
  readonly interval: string;
  readonly count?: string;
  readonly plain?: boolean;
  readonly json?: boolean;
  readonly record?: string;
  readonly replay?: string;
  readonly speed: string;
}

const HEADER_EVERY = 20;
const RETRY_MS = 1000;
const BACKLOG_EVERY_MS = 5000;
const BACKLOG_ROWS = 50;
const ALTERNATE_SCREEN = '\u001b[?1049h\u001b[?25l';
const NORMAL_SCREEN = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';

/** Where samples end up. */
interface Display {
  show(sample: Sample, json: string): void;
  notice(text: string): void;
  backlogs?(rows: readonly Backlog[]): void;
  close(): void;
}

class JsonDisplay implements Display {
  show(_: Sample, json: string): void {
    console.log(json);
  }
  notice(text: string): void {
    console.error(text);
  }
  close(): void {
    // Nothing is open.
  }
}

class PlainDisplay implements Display {
  private before: Sample | undefined;
  private lines = 0;

  show(sample: Sample): void {
    if (this.lines++ % HEADER_EVERY === 0) console.log(plainHeader());
    console.log(plainLine(serverView(sample, this.before)));
    this.before = sample;
  }
  notice(text: string): void {
    console.error(text);
  }
  close(): void {
    // Nothing is open.
  }
}

class ScreenDisplay implements Display {
  private before: Sample | undefined;
  private view: ServerView | undefined;
  private page: Page = 'all';
  private paused = false;
  private text = '';
  private rows: readonly Backlog[] = [];

  constructor(private readonly quit: () => void) {
    process.stdout.write(ALTERNATE_SCREEN);
    process.stdout.on('resize', this.draw);
    if (process.stdin.isTTY) {
      emitKeypressEvents(process.stdin);
      process.stdin.setRawMode(true);
      process.stdin.on('keypress', this.pressed);
    }
  }

  show(sample: Sample): void {
    if (this.paused) return;
    this.view = serverView(sample, this.before);
    this.before = sample;
    this.draw();
  }
  notice(text: string): void {
    if (text === this.text) return;
    this.text = text;
    this.draw();
  }
  backlogs(rows: readonly Backlog[]): void {
    this.rows = rows;
  }
  close(): void {
    process.stdout.off('resize', this.draw);
    if (process.stdin.isTTY) {
      process.stdin.off('keypress', this.pressed);
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
    process.stdout.write(NORMAL_SCREEN);
  }

  private readonly draw = (): void => {
    const { columns: width = 80, rows: height = 24 } = process.stdout;
    const { page, paused, rows: backlogs, text: notice } = this;
    const lines =
      this.view === undefined
        ? [notice === '' ? 'waiting for the first sample' : notice]
        : screen(this.view, { width, height, page, paused, notice, backlogs }, true);
    const cleared = lines.map((line) => `${line}${CLEAR_LINE}`);
    process.stdout.write(`${HOME}${cleared.join('\r\n')}\u001b[J`);
  };

  private readonly pressed = (
    _: string,
    key: { name?: string; sequence?: string; ctrl?: boolean },
  ): void => {
    if (key.name === 'q' || (key.ctrl === true && key.name === 'c')) this.quit();
    else if (key.name === 'p' || key.name === 'space') this.paused = !this.paused;
    else if (key.name === 'tab')
      this.page = PAGES[(PAGES.indexOf(this.page) + 1) % PAGES.length] ?? 'all';
    else this.page = PAGES[Number(key.sequence) - 1] ?? this.page;
    this.draw();
  };
}

function number(text: string, what: string, least: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new UserError(`--${what} is ${text}; write a number of at least ${least}`, '', 2);
}

/** Samples from a running server; when it is away, waits for it. */
async function live(
  data: string,
  seconds: number,
  display: Display,
  take: (json: string) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await readServer(
        data,
        { name: 'sample stream' },
        { seconds },
        (json) => {
          display.notice('');
          take(json);
        },
        signal,
      );
      if (!signal.aborted) display.notice('The server has ended; waiting for it to come back.');
    } catch (error) {
      if (signal.aborted) return;
      display.notice(`${errorText(error)} Waiting for it.`);
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Samples from a recording, in their own time divided by `speed`. */
async function recorded(
  file: string,
  speed: number,
  display: Display,
  take: (json: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let last: number | undefined;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (signal.aborted) return;
    if (line === '') continue;
    let at: number;
    try {
      ({ at } = JSON.parse(line) as Sample);
    } catch {
      throw new UserError(`${file} is no recording of \`rookery top --record\`.`, '', 2);
    }
    const wait = last === undefined ? 0 : Math.min(60_000, Math.max(0, at - last)) / speed;
    await sleep(wait, undefined, { signal }).catch(() => undefined);
    last = at;
    display.notice(`recording ${file}`);
    take(line);
  }
}

function displayFor(options: TopOptions, quit: () => void): Display {
  if (options.json === true) return new JsonDisplay();
  if (options.plain === true || !process.stdout.isTTY) return new PlainDisplay();
  return new ScreenDisplay(quit);
}

/** Asks now and then whose mailboxes are the fullest. */
function askBacklogs(data: string, display: Display): NodeJS.Timeout | undefined {
  if (display.backlogs === undefined) return undefined;
  const ask = async (): Promise<void> => {
    try {
      const { users } = await callServer(data, backlogList, { limit: BACKLOG_ROWS });
      display.backlogs?.(users);
    } catch {
      // The samples say that the server is away.
    }
  };
  void ask();
  return setInterval(() => void ask(), BACKLOG_EVERY_MS).unref();
}

export async function top(options: TopOptions): Promise<void> {
  const seconds = number(options.interval, 'interval', 1);
  const most = options.count === undefined ? Infinity : number(options.count, 'count', 1);
  const speed = number(options.speed, 'speed', 0.01);
  const stopped = new AbortController();
  const quit = (): void => stopped.abort();
  process.once('SIGINT', quit);
  process.once('SIGTERM', quit);
  const recording: WriteStream | undefined =
    options.record === undefined ? undefined : createWriteStream(options.record, { flags: 'wx' });
  recording?.once('error', (error) => {
    console.error(`${options.record} cannot be written: ${error.message}`);
    process.exitCode = 1;
    quit();
  });
  const display = displayFor(options, quit);
  let shown = 0;
  const take = (json: string): void => {
    const sample = JSON.parse(json) as Sample;
    // Between samples the stream says how many it has left out.
    if (sample.engine === undefined || shown >= most) return;
    shown++;
    recording?.write(`${json}\n`);
    display.show(sample, json);
    if (shown >= most) quit();
  };
  let backlogs: NodeJS.Timeout | undefined;
  try {
    if (options.replay === undefined) {
      const { config } = loadConfig(options.config);
      backlogs = askBacklogs(config.data, display);
      await live(config.data, seconds, display, take, stopped.signal);
    } else {
      await recorded(options.replay, speed, display, take, stopped.signal);
    }
  } finally {
    clearInterval(backlogs);
    display.close();
    await new Promise<void>((resolve) => {
      if (recording === undefined) resolve();
      else recording.end(() => resolve());
    });
  }
}
