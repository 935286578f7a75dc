// The compact protocol over TCP. For Node.

import { connect } from 'node:net';
import type { Dial, Link } from './link.js';

/** Dials `host:port`. */
export function tcpDial(host: string, port: number): Dial {
  const dial: Dial = (signal) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, signal });
      let error: Error | undefined;
      const link: Link = {
        send: (bytes) => {
          socket.write(bytes);
        },
        close: () => {
          socket.end();
        },
        onBytes: () => undefined,
        onClose: () => undefined,
      };
      socket.on('data', (bytes) => link.onBytes(bytes));
      socket.on('error', (why) => {
        error = why;
        reject(why);
      });
      socket.on('close', () => link.onClose(error));
      socket.once('connect', () => resolve(link));
    });
  dial.elsewhere = (place) => tcpDial(place.host, place.port);
  return dial;
}
