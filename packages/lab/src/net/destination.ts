import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** Where a client asked to be connected to. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`, with IPv6 in brackets. */
export function parseAuthority(authority: string): Destination {
  const colon = authority.lastIndexOf(':');
  return { host: authority.slice(0, colon).replaceAll(/^\[|\]$/g, ''), port: Number(authority.slice(colon + 1)) };
}

/**
 * Connects as a proxy does. Names under lab.test lead to loopback here and nowhere else,
 * so a test can tell whether a name was resolved at the proxy.
 */
export function connectTo({ host, port }: Destination, localAddress?: string): Socket {
  const name = host === 'lab.test' || host.endsWith('.lab.test') ? '127.0.0.1' : host;
  return connect({ host: name, port, noDelay: true, ...(localAddress ? { localAddress, family: 4 } : {}) });
}

/** The n-th exit. Linux routes all of 127/8 to loopback; elsewhere these addresses must be added first. */
export function exitAddress(n: number): string {
  return `127.77.${(n >> 8) & 255}.${n & 255}`;
}
