// An SMS gateway that keeps what it is told to send, and checks who tells it.

import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export const GATEWAY_SECRET = 'a secret of the gateway';

export interface SentPin {
  readonly id: string;
  readonly number: string;
  readonly pin: string;
  readonly text: string;
  readonly expiresInSeconds: number;
}

export class PinGateway {
  readonly sent: SentPin[] = [];
  /** Requests whose signature was wrong. */
  forged = 0;
  /** Answers to give before it works; each once. */
  readonly failures: number[] = [];
  requests = 0;
  private readonly server: Server;
  private readonly waiting: (() => void)[] = [];

  private constructor() {
    this.server = createServer((request, response) => {
      void text(request).then((body) => {
        this.requests++;
        response.statusCode = this.take(String(request.headers['x-rookery-signature']), body);
        response.end();
      });
    });
  }

  static async start(): Promise<PinGateway> {
    const gateway = new PinGateway();
    await new Promise<void>((resolve) => gateway.server.listen(0, '127.0.0.1', resolve));
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/send`;
  }

  /** The newest PIN for a number, once there are so many. */
  async pin(number: string, count = 1): Promise<string> {
    const deadline = Date.now() + 8000;
    for (;;) {
      const found = this.sent.filter((message) => message.number === number);
      if (found.length >= count) return found.at(-1)?.pin ?? '';
      if (Date.now() > deadline) throw new Error(`no PIN for ${number}`);
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
        setTimeout(resolve, 200);
      });
    }
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private take(signature: string, body: string): number {
    const [, seconds = '', mac = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/u.exec(signature) ?? [];
    const right = createHmac('sha256', GATEWAY_SECRET).update(`${seconds}.${body}`).digest('hex');
    if (mac !== right || Math.abs(Number(seconds) - Date.now() / 1000) > 60) {
      this.forged++;
      return 401;
    }
    const failure = this.failures.shift();
    if (failure !== undefined) return failure;
    this.sent.push(JSON.parse(body) as SentPin);
    for (const wake of this.waiting.splice(0)) wake();
    return 204;
  }
}
