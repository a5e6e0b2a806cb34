import type { IncomingMessage } from 'node:http';
import { readAuthority, toDestination, type Destination } from './destination.js';
import { single } from './headers.js';
import { Refusal } from './refusal.js';

/** A request of a client, read: where it leads and what is asked for there. */
export interface Asked {
  readonly destination: Destination;
  readonly secure: boolean;
  /** As the client wrote it, without the authority. */
  readonly path: string;
  readonly hostHeader: string;
}

/** Node accepts two Host headers, and one that names another place than the request line: nobody here does. */
export function checkFraming({ rawHeaders, httpVersion }: IncomingMessage): string | undefined {
  const host = single(rawHeaders, 'host');
  const coding = single(rawHeaders, 'transfer-encoding');
  if (coding === undefined) return host;
  if (httpVersion !== '1.1') throw bad('HTTP/1.0 has no transfer codings');
  if (coding.trim().toLowerCase() !== 'chunked') {
    throw new Refusal(501, 'UNKNOWN_CODING', 'the only transfer coding is chunked');
  }
  return host;
}

export function readConnect(request: IncomingMessage): Destination {
  const host = checkFraming(request);
  if (single(request.rawHeaders, 'content-length') !== undefined) throw bad('CONNECT has no body');
  const destination = readAuthority(request.url ?? '');
  if (host !== undefined) checkHost(host, destination, 'https:');
  return destination;
}

/** Reads a request line in absolute form. */
export function readAbsolute(request: IncomingMessage): Asked {
  const host = checkFraming(request);
  const text = request.url ?? '';
  const [, authority = '', path = ''] = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(text) ?? [];
  if (authority === '') throw notForUs(text);
  const destination = readPlainAuthority(authority);
  if (host !== undefined) checkHost(host, destination, 'http:');
  const asked = path.startsWith('/') ? path : `/${path}`;
  return { destination, secure: false, path: asked, hostHeader: hostOf(destination, 80) };
}

const TARGET = 'x-fairlead-target';

export function hasTargetHeader(request: IncomingMessage): boolean {
  return request.headers[TARGET] !== undefined;
}

/** Reads a request that names its target in a header: the gateway speaks TLS to it. */
export function readHeaderTarget(request: IncomingMessage): Asked {
  checkFraming(request);
  const target = single(request.rawHeaders, TARGET) ?? '';
  const [, scheme = '', authority = ''] = /^(https?):\/\/([^/?#@\s]+)\/?$/i.exec(target.trim()) ?? [];
  if (scheme === '') throw bad('X-Fairlead-Target takes an origin such as https://shop.example');
  const path = request.url ?? '';
  if (!path.startsWith('/')) throw bad('with X-Fairlead-Target the request line holds a path');
  const secure = scheme.toLowerCase() === 'https';
  const destination = readPlainAuthority(authority, secure ? 'https:' : 'http:');
  return { destination, secure, path, hostHeader: hostOf(destination, secure ? 443 : 80) };
}

function readPlainAuthority(authority: string, protocol: 'http:' | 'https:' = 'http:'): Destination {
  const [, host = '', port = protocol === 'http:' ? '80' : '443'] =
    /^(\[[^\]@\s]+\]|[^:@\s[\]]+)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  if (host === '') throw bad('the target is not a host and a port');
  return toDestination(host, Number(port), protocol);
}

function checkHost(text: string, { authority, host, port }: Destination, protocol: 'http:' | 'https:'): void {
  const named = /:\d+$/.test(text) && !/^\[.*\]$/.test(text);
  const whole = named ? text : `${text}:${named ? '' : port}`;
  // Compared as read: `EXAMPLE.com.` is the same place, and `example.com:81` is another.
  const read = readOrNothing(whole, protocol);
  if (read?.host !== host || (named && read.authority !== authority)) throw bad('Host is not where the request leads');
}

function readOrNothing(text: string, protocol: 'http:' | 'https:'): Destination | undefined {
  try {
    return readPlainAuthority(text, protocol);
  } catch {
    return undefined;
  }
}

function hostOf({ url, port }: Destination, standard: number): string {
  return port === standard ? url.hostname : `${url.hostname}:${port}`;
}

function notForUs(text: string): Refusal {
  if (/^https:/i.test(text)) return bad('for https use CONNECT, or X-Fairlead-Target to have the gateway speak TLS');
  return bad('this is a proxy: it takes absolute URLs, CONNECT and X-Fairlead-Target');
}

function bad(message: string): Refusal {
  return new Refusal(400, 'BAD_REQUEST', message);
}
