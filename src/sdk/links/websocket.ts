// The compact protocol over WebSocket (docs/PROTOCOL.md section 8): a browser's own, or the package
// ws in Node.

import type { Dial, Link, Place } from './link.js';

/** The subprotocol's name. */
export const SUBPROTOCOL = 'rookery.compact.1';

/** The part of the WebSocket interface of browsers that is used here. */
interface Socket {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(bytes: Uint8Array): void;
  close(): void;
}
type SocketClass = new (url: string, protocols: string[]) => Socket;

async function socketClass(): Promise<SocketClass> {
  const own = (globalThis as { WebSocket?: SocketClass }).WebSocket;
  // Node has none of its own before version 22.
  return own ?? ((await import('ws')).WebSocket as unknown as SocketClass);
}

/** The same address at another host and port. */
function addressAt(url: string, { host, port }: Place): string {
  const address = new URL(url);
  address.host = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return address.href;
}

/** Dials a `ws:` or `wss:` address. */
export function webSocketDial(url: string): Dial {
  const dial: Dial = async (signal) => {
    const WebSocketClass = await socketClass();
    return new Promise<Link>((resolve, reject) => {
      const socket = new WebSocketClass(url, [SUBPROTOCOL]);
      socket.binaryType = 'arraybuffer';
      const link: Link = {
        send: (bytes) => socket.send(bytes),
        close: () => socket.close(),
        onBytes: () => undefined,
        onClose: () => undefined,
      };
      signal.addEventListener('abort', () => socket.close(), { once: true });
      socket.onopen = () => resolve(link);
      socket.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) link.onBytes(new Uint8Array(data));
        else socket.close();
      };
      // What went wrong is not told to scripts; the close that follows has a code.
      socket.onerror = () => undefined;
      socket.onclose = ({ code, reason }) => {
        const why = new Error(`the WebSocket ${url} was closed: ${code} ${reason}`.trim());
        reject(why);
        link.onClose(why);
      };
    });
  };
  dial.elsewhere = (place) => webSocketDial(addressAt(url, place));
  return dial;
}
