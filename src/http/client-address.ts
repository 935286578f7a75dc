// Who a client is, as far as limits are concerned, and by which name it calls the server.

import { isIP } from 'node:net';

const MAPPED = /^(?:0*:)*:?ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/u;
const PREFIX_GROUPS = 4;

/** The groups of an IPv6 address, all eight. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array<string>(missing).fill('0'), ...right].map((group) =>
    Number.parseInt(group, 16).toString(16),
  );
}

/** One spelling for an address: IPv4 also where it was written as IPv6. */
export function normaliseAddress(written: string): string {
  const address = written.toLowerCase().split('%')[0] ?? '';
  const mapped = MAPPED.exec(address);
  if (mapped === null) return isIP(address) === 6 ? groupsOf(address).join(':') : address;
  if (mapped[1] !== undefined) return mapped[1];
  const high = Number.parseInt(mapped[2] ?? '0', 16);
  const low = Number.parseInt(mapped[3] ?? '0', 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/**
 * What is counted for an address: of IPv6 the first 64 bits, because whoever has one address there
 * has all of them.
 */
export function addressSubject(address: string): string {
  if (!address.includes(':')) return address;
  return `${address.split(':').slice(0, PREFIX_GROUPS).join(':')}::/64`;
}

/**
 * The client of a request. Proxies that are trusted say for whom they speak; anybody else can write
 * what they like into that header, so it counts from its end, as far as trust goes.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string,
  trusted: ReadonlySet<string>,
): string {
  let address = normaliseAddress(peer);
  const hops = forwardedFor.split(',').map((hop) => hop.trim());
  while (trusted.has(address)) {
    const hop = hops.pop() ?? '';
    if (isIP(hop) === 0) break;
    address = normaliseAddress(hop);
  }
  return address;
}

/** The name or address by which a Host header calls the server; empty when it is neither. */
export function hostOf(header: string): string {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]{1,253})(?::\d{1,5})?$/iu.exec(header);
  const host = match?.[1]?.toLowerCase() ?? '';
  return host.startsWith('[') && isIP(host.slice(1, -1)) === 0 ? '' : host;
}
