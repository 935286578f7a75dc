// One WebSocket on which the server sends figures. It says what comes and when it ends; whether
// and when to open another is not its business.

import { addressOf } from './request.js';

/** The server says at least `{}` every five seconds; silence for so long is the end. */
const SILENCE_MS = 12_000;
const LOOK_MS = 2000;

export interface SocketEvents {
  item(item: object): void;
  /** It is over, by either side; said once. */
  ended(): void;
}

/** A socket that is open, or being opened. */
export class LiveSocket {
  private readonly socket: WebSocket;
  private heardAt = Date.now();
  private readonly timer: ReturnType<typeof setInterval>;
  private isOver = false;

  constructor(
    path: string,
    token: string,
    private readonly events: SocketEvents,
  ) {
    const url = addressOf(path);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    // A page cannot set headers here, and an address would be logged by proxies.
    this.socket = new WebSocket(url, ['rookery', `bearer.${token}`]);
    this.socket.onmessage = ({ data }) => this.take(String(data));
    this.socket.onclose = () => this.end();
    this.timer = setInterval(() => {
      if (Date.now() - this.heardAt > SILENCE_MS) this.end();
    }, LOOK_MS);
  }

  /** Closes it without a word to `ended`. */
  close(): void {
    this.isOver = true;
    this.finish();
  }

  private take(text: string): void {
    if (this.isOver) return;
    this.heardAt = Date.now();
    const item = JSON.parse(text) as object;
    // Only that the stream lives, or that something was left out.
    if (!('at' in item)) return;
    this.events.item(item);
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.finish();
    this.events.ended();
  }

  private finish(): void {
    clearInterval(this.timer);
    this.socket.close();
  }
}
