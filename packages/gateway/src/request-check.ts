import type { IncomingMessage } from 'node:http';
import { readAuthority, remembered, toDestination, type Destination } from './destination.js';
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

/** What of a head decides where a message ends, where it goes and who sends it: read once, and by nobody else. */
export interface Framing {
  readonly host: string | undefined;
  readonly credentials: string | undefined;
  /** The body comes in chunks. */
  readonly chunked: boolean;
  /** As it was announced. */
  readonly length: number | undefined;
}

/** Fields of one head. */
const MOST_FIELDS = 200;

/** Node accepts two Host headers, and one that names another place than the request line: nobody here does. */
export function checkFraming({ rawHeaders, httpVersion, method }: IncomingMessage): Framing {
  if (rawHeaders.length > 2 * MOST_FIELDS) {
    throw new Refusal(431, 'HEADER_TOO_LARGE', `there are more than ${MOST_FIELDS} header fields`);
  }
  const found: Record<(typeof ONCE)[number], string | undefined> = {
    host: undefined,
    'transfer-encoding': undefined,
    'content-length': undefined,
    'proxy-authorization': undefined,
  };
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase() as (typeof ONCE)[number];
    if (!ONCE.includes(name)) continue;
    if (found[name] !== undefined) throw bad(`there are two ${name} headers`);
    found[name] = rawHeaders[index + 1]!;
  }
  const { host, 'transfer-encoding': coding, 'content-length': length, 'proxy-authorization': credentials } = found;
  if (coding !== undefined && httpVersion !== '1.1') throw bad('HTTP/1.0 has no transfer codings');
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    throw new Refusal(501, 'UNKNOWN_CODING', 'the only transfer coding is chunked');
  }
  if (method === 'CONNECT' && (coding !== undefined || length !== undefined)) throw bad('CONNECT has no body');
  return {
    host,
    credentials,
    chunked: coding !== undefined,
    length: length === undefined ? undefined : Number(length),
  };
}

const ONCE = ['host', 'transfer-encoding', 'content-length', 'proxy-authorization'] as const;

export function readConnect({ url = '' }: IncomingMessage, { host }: Framing): Destination {
  const destination = readAuthority(url);
  if (host !== undefined && host !== url) checkHost(host, destination, 'https:');
  return destination;
}

/** Reads a request line in absolute form. */
export function readAbsolute({ url: text = '' }: IncomingMessage, { host }: Framing): Asked {
  const [, authority = '', path = ''] = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(text) ?? [];
  if (authority === '') throw notForUs(text);
  const destination = readOpen(authority);
  if (host !== undefined && host !== authority) checkHost(host, destination, 'http:');
  const asked = path.startsWith('/') ? path : `/${path}`;
  return { destination, secure: false, path: asked, hostHeader: hostOf(destination, 80) };
}

const TARGET = 'x-fairlead-target';

export function hasTargetHeader(request: IncomingMessage): boolean {
  return request.headers[TARGET] !== undefined;
}

/** A page of somebody else's whose name was made to lead here calls this machine by that name. */
export function checkCalledAsLoopback({ host = '' }: Framing): void {
  if (LOOPBACK.test(host)) return;
  throw new Refusal(403, 'HOST_REFUSED', 'without credentials this gateway is called 127.0.0.1, ::1 or localhost');
}

const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost)(?::\d+)?$/i;

/** Reads a request that names its target in a header: the gateway speaks TLS to it. */
export function readHeaderTarget({ rawHeaders, url: path = '' }: IncomingMessage): Asked {
  const target = single(rawHeaders, TARGET) ?? '';
  const [, scheme = '', authority = ''] = /^(https?):\/\/([^/?#@\s]+)\/?$/i.exec(target.trim()) ?? [];
  if (scheme === '') throw bad('X-Fairlead-Target takes an origin such as https://shop.example');
  if (!path.startsWith('/')) throw bad('with X-Fairlead-Target the request line holds a path');
  const secure = scheme.toLowerCase() === 'https';
  const destination = secure ? readSecure(authority) : readOpen(authority);
  return { destination, secure, path, hostHeader: hostOf(destination, secure ? 443 : 80) };
}

const readOpen = remembered((authority) => readPlainAuthority(authority, 'http:'));
const readSecure = remembered((authority) => readPlainAuthority(authority, 'https:'));

function readPlainAuthority(authority: string, protocol: 'http:' | 'https:'): Destination {
  const [, host = '', port = protocol === 'http:' ? '80' : '443'] =
    /^(\[[^\]@\s]+\]|[^:@\s[\]]+)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  if (host === '') throw bad('the target is not a host and a port');
  return toDestination(host, Number(port), protocol);
}

function checkHost(text: string, { authority, host, port }: Destination, protocol: 'http:' | 'https:'): void {
  const named = /:\d+$/.test(text);
  const whole = named ? text : `${text}:${port}`;
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
