import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoint } from '@fairlead/core';
import { requestInternals } from './agent-internals.js';
import { markAbsolute } from './carrier.js';
import { dial, dialProxy, type DialOptions } from './dial.js';
import { DialError } from './dial-error.js';
import { authorization } from './http-tunnel.js';

/** CONNECT refused by policy, by method or as unknown: the proxy may still forward plain requests. */
const REFUSALS = new Set([403, 405, 501]);

/** Ports that an endpoint refused to tunnel to, and since when. Goes with the endpoint. */
const refused = new WeakMap<Endpoint, Map<number, number>>();

/** A proxy's rules change; a refusal is asked for again after this. */
const REMEMBERED_MS = 600_000;

export function canForward(endpoint: Endpoint): boolean {
  return endpoint.url.scheme === 'http' || endpoint.url.scheme === 'https';
}

function refusesTunnel(endpoint: Endpoint, port: number): boolean {
  const since = refused.get(endpoint)?.get(port);
  return since !== undefined && performance.now() - since < REMEMBERED_MS;
}

function rememberRefusal(endpoint: Endpoint, port: number): void {
  const ports = refused.get(endpoint) ?? new Map<number, number>();
  refused.set(endpoint, ports.set(port, performance.now()));
}

/** For a plain `http://` target: a tunnel, or the proxy itself where it is known to refuse one to that port. */
export async function dialPlain(endpoint: Endpoint, options: DialOptions): Promise<Socket> {
  if (!canForward(endpoint)) return dial(endpoint, options);
  if (refusesTunnel(endpoint, options.port)) return dialProxy(endpoint, options);
  const since = performance.now();
  try {
    return await dial(endpoint, options);
  } catch (error) {
    if (!(error instanceof DialError) || !REFUSALS.has(error.status ?? 0)) throw error;
    rememberRefusal(endpoint, options.port);
    if (options.timeoutMs === undefined) return dialProxy(endpoint, options);
    return dialProxy(endpoint, { ...options, timeoutMs: Math.max(1, options.timeoutMs - (performance.now() - since)) });
  }
}

/**
 * Readies a request that is about to be written to the proxy itself. Only the bytes on their way out change: the
 * request's own path and headers stay as they are, so that no error of a library's shows the credentials.
 */
export function toAbsoluteForm(request: ClientRequest, endpoint: Endpoint): void {
  const internals = requestInternals(request);
  markAbsolute(request);
  if (!internals._headerSent) request.flushHeaders();
  const [first] = internals.outputData;
  if (first === undefined || typeof first.data !== 'string') return;
  const [, method = '', path = '', rest = ''] = /^(\S+) (\S+)( HTTP\/1\.1\r\n[^]*)$/.exec(first.data) ?? [];
  if (path === '' || path.includes('://')) return;
  const { 'proxy-authorization': login } = authorization(endpoint.url.credentials());
  // Headers that were given as a list are on paper only.
  const host = request.getHeader('host') ?? /\r\nhost: ([^\r\n]+)/i.exec(rest)?.[1];
  const head = `${method} http://${host as string}${path}${rest}`;
  first.data = login === undefined ? head : head.replace('\r\n', () => `\r\nProxy-Authorization: ${login}\r\n`);
}
