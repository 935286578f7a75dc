// The ways in which a PIN reaches a phone. Each throws when it has not, and says whether it is
// worth another attempt.

import { spawn } from 'node:child_process';
import { errorText } from '../../base/errors.js';
import type { Config } from '../../config/schema.js';
import { postWebhook, SendError } from '../webhook.js';

export { SendError };

/** A PIN on its way. */
export interface PinMessage {
  /** The same for every attempt, so that a gateway can tell a repetition. */
  readonly id: string;
  readonly number: string;
  readonly pin: string;
  readonly text: string;
  readonly expiresInSeconds: number;
}

/** One way to send. What goes wrong is told without number and PIN. */
export interface PinSender {
  readonly name: string;
  readonly attempts: number;
  /** Throws a SendError. */
  send(message: PinMessage, stop: AbortSignal): Promise<void>;
}

const COMMAND_ATTEMPTS = 2;
const COMMAND_SECONDS = 30;
const MAX_COMPLAINT_BYTES = 500;

function messageJson({ id, number, pin, text, expiresInSeconds }: PinMessage): string {
  return JSON.stringify({ id, number, pin, text, expiresInSeconds });
}

/** An HTTP request to an SMS gateway. */
export class WebhookSender implements PinSender {
  readonly name = 'webhook';
  readonly attempts: number;

  constructor(private readonly options: Config['registration']['webhook']) {
    this.attempts = options.attempts;
  }

  async send(message: PinMessage, stop: AbortSignal): Promise<void> {
    await postWebhook(this.options, message.id, messageJson(message), stop);
  }
}

/** A program of the operator's. */
export class CommandSender implements PinSender {
  readonly name = 'command';
  readonly attempts = COMMAND_ATTEMPTS;

  constructor(
    private readonly command: readonly string[],
    private readonly folder: string,
  ) {}

  async send(message: PinMessage, stop: AbortSignal): Promise<void> {
    const [program = '', ...args] = this.command;
    const child = spawn(program, args, {
      cwd: this.folder,
      shell: false,
      stdio: ['pipe', 'ignore', 'pipe'],
      // Not the server's whole environment, which may hold secrets of others.
      env: {
        PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
        LANG: process.env.LANG ?? 'C.UTF-8',
        ROOKERY_NUMBER: message.number,
        ROOKERY_PIN: message.pin,
        ROOKERY_TEXT: message.text,
      },
      timeout: COMMAND_SECONDS * 1000,
      killSignal: 'SIGKILL',
    });
    const onStop = (): void => void child.kill('SIGKILL');
    stop.addEventListener('abort', onStop);
    try {
      const complaint = await new Promise<string>((resolve, reject) => {
        let written = '';
        child.once('error', reject);
        child.stdin.on('error', () => undefined); // It need not read.
        child.stdin.end(`${messageJson(message)}\n`);
        child.stderr.on('data', (bytes: Buffer) => {
          written = (written + bytes.toString('utf8')).slice(-MAX_COMPLAINT_BYTES);
        });
        child.once('close', (code, signal) => {
          if (code === 0) resolve('');
          else resolve(`ended with ${code ?? signal}: ${redacted(written, message)}`);
        });
      });
      if (complaint !== '') throw new SendError(complaint, !stop.aborted);
    } catch (error) {
      if (error instanceof SendError) throw error;
      throw new SendError(errorText(error), false);
    } finally {
      stop.removeEventListener('abort', onStop);
    }
  }
}

/** What a program complained of, without what must not stand in a log. */
function redacted(text: string, { number, pin }: PinMessage): string {
  const digits = number.replace(/^\+/u, '');
  return text.replaceAll(digits, '…').replaceAll(pin, '…').trim();
}

/** For trying things out: the PIN on the console. */
export class DevelopmentSender implements PinSender {
  readonly name = 'development';
  readonly attempts = 1;

  async send({ number, pin }: PinMessage): Promise<void> {
    // To the console itself, not to the log, which may be kept.
    console.log(`registration: the PIN for ${number} is ${pin}`);
  }
}

/** The sender that the configuration names; undefined for `off`. */
export function pinSender(config: Config['registration']): PinSender | undefined {
  switch (config.sender) {
    case 'off':
      return undefined;
    case 'webhook':
      return new WebhookSender(config.webhook);
    case 'command':
      return new CommandSender(config.command, config.commandFolder);
    case 'development':
      return new DevelopmentSender();
  }
}
