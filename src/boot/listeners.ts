// Open listeners, as `ready` and `rookery status` name them.

/** An open listener. */
export interface Listener {
  /** `xmpp`, `xmpps` for direct TLS, `http`, … */
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

/** The written form of a listener. HTTP's is an address that can be opened in a browser. */
export function formatListener({ protocol, address, port }: Listener): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return protocol === 'http' ? `http http://${host}:${port}/` : `${protocol} ${host}:${port}`;
}
