// A TCP proxy that counts what passes: the bytes of a protocol as the network sees them, without
// the headers of TCP and IP.

import { type AddressInfo, connect, createServer, type Server } from 'node:net';

export class CountingProxy {
  /** From clients to the server, and back, since the last reset(). */
  up = 0;
  down = 0;
  readonly #server: Server;

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      const server = connect(targetPort, '127.0.0.1');
      for (const socket of [client, server]) {
        socket.setNoDelay(true);
        socket.on('error', () => undefined);
      }
      client.on('data', (bytes) => {
        this.up += bytes.length;
        server.write(bytes);
      });
      server.on('data', (bytes) => {
        this.down += bytes.length;
        client.write(bytes);
      });
      client.on('close', () => server.destroy());
      server.on('close', () => client.destroy());
    });
  }

  /** Listens on a free port of the loopback. */
  static async start(targetPort: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get both(): number {
    return this.up + this.down;
  }

  reset(): void {
    this.up = 0;
    this.down = 0;
  }

  close(): void {
    this.#server.close();
  }
}
