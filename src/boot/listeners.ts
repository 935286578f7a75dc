// Open listeners, as `ready` and `rookery status` name them.

/** An open listener. */
export interface Listener {
  /** `xmpp`, `xmpps` for direct TLS, `http`, … */
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

/** The written form of a listener. Those of HTTP are addresses that can be opened in a browser. */
export function formatListener({ protocol, address, port }: Listener): string {
  const host = address.includes(':') ? `[${address}]` : address;
  const isWeb = protocol === 'http' || protocol === 'admin';
  return isWeb ? `${protocol} http://${host}:${port}/` : `${protocol} ${host}:${port}`;
}
