// A TCP proxy that breaks connections the way networks do: first bytes vanish in both directions
// while either end still thinks that the other is there, then both get a reset.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class CuttingProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #swallowing = false;
  #lost: (() => void) | undefined;
  /** Connections that were taken so far. */
  taken = 0;

  private constructor(targetPort: number) {
    this.#server = createServer((client) => this.#take(client, targetPort));
  }

  /** Listens on a free port of the loopback for connections to another one. */
  static async start(targetPort: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #take(client: Socket, targetPort: number): void {
    this.taken++;
    const server = connect(targetPort, '127.0.0.1');
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [server, client] as const]) {
      from.setNoDelay(true);
      from.on('data', (bytes) => {
        if (!this.#swallowing) to.write(bytes);
        else if (to === client) this.#lost?.();
      });
      from.on('end', () => to.end());
      // A reset on one side, or our own, says nothing new on the other.
      from.on('error', () => to.destroy());
      from.on('close', () => this.#pairs.delete(pair));
    }
  }

  /** From now on whatever either end sends is lost; resolves when something to the client is. */
  async swallow(): Promise<void> {
    this.#swallowing = true;
    await new Promise<void>((resolve) => {
      this.#lost = resolve;
    });
  }

  /** Resets both sides of every connection; those that come afterwards are served. */
  reset(): void {
    this.#swallowing = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  close(): void {
    this.reset();
    this.#server.close();
  }
}
