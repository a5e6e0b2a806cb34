import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoint } from '@fairlead/core';
import { markAbsolute, type Carrier } from './carrier.js';
import { authorityOf, type Destination } from './destination.js';
import { DIAL_DEFAULTS, dialProxy, dialTunnel, type DialOptions } from './dial.js';
import { DialError } from './dial-error.js';
import { authorization } from './http-tunnel.js';

/** CONNECT refused by policy, by method or as unknown: the proxy may still forward plain requests. */
const REFUSALS = new Set([403, 405, 501]);

/** Refusals to open tunnels, and since when. Goes with the endpoint. */
const refused = new WeakMap<Endpoint, Map<string, number>>();

/** A proxy's rules change; a refusal is asked for again after this. */
const REMEMBERED_MS = 600_000;

/** Most refusals remembered for one endpoint, the oldest forgotten first. */
const MAX_REMEMBERED = 1000;

export function canForward(endpoint: Endpoint): boolean {
  return endpoint.url.scheme === 'http' || endpoint.url.scheme === 'https';
}

function refusesTunnel(endpoint: Endpoint, { host, port }: DialOptions): boolean {
  const known = refused.get(endpoint);
  if (known === undefined) return false;
  const since = known.get(`*:${port}`) ?? known.get(`${host}:${port}`);
  return since !== undefined && performance.now() - since < REMEMBERED_MS;
}

function rememberRefusal(endpoint: Endpoint, { host, port }: DialOptions, status: number): void {
  const known = refused.get(endpoint) ?? new Map<string, number>();
  // Rules are for hosts and say nothing of others; a proxy without CONNECT has none for anybody.
  const key = `${status === 403 ? host : '*'}:${port}`;
  known.delete(key);
  refused.set(endpoint, known.set(key, performance.now()));
  const [oldest] = known.keys();
  if (known.size > MAX_REMEMBERED && oldest !== undefined) known.delete(oldest);
}

/** For a plain `http://` target: a tunnel, or the proxy itself where it is known to refuse one. */
export async function dialPlain(endpoint: Endpoint, options: DialOptions): Promise<Socket> {
  if (!canForward(endpoint)) return dialTunnel(endpoint, options);
  if (refusesTunnel(endpoint, options)) return dialProxy(endpoint, options);
  const since = performance.now();
  try {
    return await dialTunnel(endpoint, options);
  } catch (error) {
    if (!(error instanceof DialError) || error.status === undefined || !REFUSALS.has(error.status)) throw error;
    rememberRefusal(endpoint, options, error.status);
    // One deadline for both.
    const left = (options.timeoutMs ?? DIAL_DEFAULTS.timeoutMs) - (performance.now() - since);
    return dialProxy(endpoint, { ...options, timeoutMs: Math.max(1, left) });
  }
}

/**
 * Has the head of the next request on a socket that leads to the proxy itself rewritten on its way out, when it is written
 * and no sooner. The request's own path and headers stay as they are, so that no error of a library's shows the credentials.
 */
export function inAbsoluteForm(
  request: ClientRequest,
  socket: Socket,
  { destination }: Carrier,
  endpoint: Endpoint,
): void {
  markAbsolute(request);
  const next = nextHeads.get(socket);
  if (next === undefined) nextHeads.set(socket, rewriting(socket, destination, endpoint));
  // Where the last request never came to write, its head is the next one's.
  else next();
}

/** By socket, what has its next head rewritten. */
const nextHeads = new WeakMap<Socket, () => void>();

/** Stands before a socket's own `write` for good: what is taken off an object again makes all of it slow. */
function rewriting(socket: Socket, destination: Destination, endpoint: Endpoint): () => void {
  const authority = authorityOf(destination).replace(/:80$/, '');
  let due = true;
  const { write } = socket;
  const rewritingWrite = (chunk: string | Uint8Array, ...rest: []): boolean => {
    const isHead = due && typeof chunk === 'string';
    due = false;
    return write.call(socket, isHead ? absolute(chunk, authority, endpoint) : chunk, ...rest);
  };
  Object.assign(socket, { write: rewritingWrite });
  return () => {
    due = true;
  };
}

/**
 * The same for undici, which writes all requests to one origin on the socket that it was given, and lets nobody stand
 * between: each head is rewritten as it passes.
 */
export function headsInAbsoluteForm(socket: Socket, { destination }: Carrier, endpoint: Endpoint): void {
  const authority = authorityOf(destination).replace(/:80$/, '');
  const { write } = socket;
  const rewriting = (chunk: unknown, encoding?: unknown, ...rest: []): boolean => {
    // Heads are text with an encoding; what is text of a body has none.
    const head = typeof chunk === 'string' && encoding === 'latin1' ? absolute(chunk, authority, endpoint) : chunk;
    return write.call(socket, head as string, encoding as BufferEncoding, ...rest);
  };
  Object.assign(socket, { write: rewriting });
}

/** Whether the proxy is known to open no tunnel to a plain `http://` target, so that it speaks for it. */
export function speaksFor(endpoint: Endpoint, origin: string | URL | undefined): boolean {
  // Nearly all refuse nothing: no URL is read for them.
  if (origin === undefined || !refused.has(endpoint)) return false;
  const { protocol, hostname, port } = new URL(origin);
  return protocol === 'http:' && refusesTunnel(endpoint, { host: hostname, port: Number(port) || 80 });
}

/** Where it goes is what was dialled: a Host header is the caller's text, which may come from elsewhere. */
function absolute(head: string, authority: string, endpoint: Endpoint): string {
  const [line, method, path = ''] = /^(\S+) (\S+) HTTP\/1\.1\r\n/.exec(head) ?? [];
  if (line === undefined) return head;
  const goal = path === '*' ? `http://${authority}` : path.startsWith('/') ? `http://${authority}${path}` : path;
  const { 'proxy-authorization': login } = authorization(endpoint.url.credentials());
  const own = login === undefined ? '' : `Proxy-Authorization: ${login}\r\n`;
  return `${method} ${goal} HTTP/1.1\r\n${own}${head.slice(line.length)}`;
}
