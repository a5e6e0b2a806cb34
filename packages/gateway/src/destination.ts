import { isIPv6 } from 'node:net';
import { Refusal } from './refusal.js';

/** Where a client wants to go, spelled in the one way in which it is checked, matched and passed on. */
export interface Destination {
  /** Lower case, punycode, IPv4 in dotted decimal, IPv6 without brackets; no trailing dot. */
  readonly host: string;
  readonly port: number;
  /** As rules match it and health is kept by it. */
  readonly url: URL;
  /** `host:port`. */
  readonly authority: string;
}

/** Reads `host:port` of a CONNECT. What was read once is looked up: clients come back to the same places. */
export const readAuthority = remembered(parseAuthority);

/** Of texts from outside no more are remembered than these. */
const MOST_READ = 1000;

export function remembered(read: (text: string) => Destination): (text: string) => Destination {
  const known = new Map<string, Destination>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const destination = read(text);
    if (known.size >= MOST_READ) known.clear();
    known.set(text, destination);
    return destination;
  };
}

function parseAuthority(text: string): Destination {
  const [, host = '', port = ''] = /^(\[[^\]/?#@\s]+\]|[^:/?#@\s[\]]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === '') throw new Refusal(400, 'INVALID_TARGET', 'CONNECT takes host:port');
  return toDestination(host, Number(port), 'https:');
}

/**
 * One spelling for each place: `127.1`, `0x7f000001`, full-width digits and `LOCALHOST.` have as many names as they have
 * readers, and a check of one must hold for what the next one in line makes of it.
 */
export function toDestination(host: string, port: number, protocol: 'http:' | 'https:'): Destination {
  const bracketed = isIPv6(host) ? `[${host}]` : host;
  const text = `${protocol}//${bracketed}:${port}/`;
  if (port < 1 || port > 65_535 || !URL.canParse(text)) throw invalid();
  const url = new URL(text);
  url.hostname = url.hostname.replace(/\.+$/, '');
  if (url.hostname === '' || url.username !== '' || url.pathname !== '/') throw invalid();
  const bare = url.hostname.replace(/^\[|\]$/g, '');
  return Object.freeze({ host: bare, port, url, authority: `${url.hostname}:${port}` });
}

function invalid(): Refusal {
  return new Refusal(400, 'INVALID_TARGET', 'the target is not a host and a port');
}
