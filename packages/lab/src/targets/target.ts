import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { certificates } from '../net/certificates.js';
import type { CertificateName } from '../net/certificates.js';
import { ignore, labServer, Listener } from '../net/listener.js';
import type { LabServer } from '../net/listener.js';
import { routeFor, type Routes } from './routes.js';
import { acceptWebSocket } from './web-socket.js';

export interface TargetOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** Speak TLS, with the certificate named. */
  readonly certificate?: CertificateName;
  /** Keep a record of each request; a benchmark would rather not. @default true */
  readonly record?: boolean;
  /** Speak HTTP/2 to clients that offer it. Needs a certificate. @default false */
  readonly http2?: boolean;
  /** Pages of its own, by the first segment of their path; they come before those of the lab. */
  readonly routes?: Routes;
  /** Answers with this status, where there is one, instead of the page: a ban by address, for one. */
  readonly refuse?: (request: TargetRequest) => number | undefined;
}

/** A request as the target saw it. */
export interface TargetRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly remoteAddress: string;
  /** Tells connections apart. */
  readonly remotePort: number;
  /** '1.1' or '2.0'. */
  readonly httpVersion: string;
}

export interface Target extends LabServer {
  readonly requests: readonly TargetRequest[];
  /** TLS handshakes completed; those with a session the client brought along are also `resumed`. */
  readonly handshakes: { readonly full: number; readonly resumed: number };
}

/** Starts an HTTP or HTTPS server whose paths say how to behave: see `routes`. */
export async function startTarget(options: TargetOptions = {}): Promise<Target> {
  const { certificate, record = true, routes = {}, refuse } = options;
  const front = frontOf(options);
  front.on('clientError', (_error: Error, socket: Duplex) => socket.destroy());
  // Keep-alive is the client's to end: a server that hangs up first would make tests race it.
  if ('keepAliveTimeout' in front) front.keepAliveTimeout = 0;
  const listener = await Listener.open(options.host ?? '127.0.0.1', (raw) => front.emit('connection', raw));
  const requests: TargetRequest[] = [];
  const handshakes = { full: 0, resumed: 0 };
  front.on('secureConnection', (socket: TLSSocket) => handshakes[socket.isSessionReused() ? 'resumed' : 'full']++);
  const seen = (request: http.IncomingMessage) => {
    const described = describe(request);
    if (record) requests.push(described);
    return refuse?.(described);
  };
  front.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    const refusal = seen(request);
    const url = new URL(request.url ?? '/', 'http://target');
    if (refusal !== undefined) url.pathname = `/status/${refusal}`;
    const reset = () => void listener.rawOf(request.socket)?.resetAndDestroy();
    const route = refusal === undefined ? routeFor(url.pathname, routes) : routeFor(url.pathname);
    // A client that leaves in mid-request is no error here.
    Promise.resolve(route({ request, response, url, reset })).catch(ignore);
  });
  front.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    seen(request);
    acceptWebSocket(request, socket, head);
  });
  const url = `${certificate ? 'https' : 'http'}://${listener.authority}`;
  return Object.assign(labServer(listener, url), { requests, handshakes });
}

function frontOf({ certificate, http2: second }: TargetOptions): http.Server | https.Server | http2.Http2SecureServer {
  if (!certificate) return http.createServer();
  const identity = certificates()[certificate];
  return second ? http2.createSecureServer({ ...identity, allowHTTP1: true }) : https.createServer(identity);
}

function describe(request: http.IncomingMessage): TargetRequest {
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    remoteAddress: request.socket.remoteAddress ?? '',
    remotePort: request.socket.remotePort ?? 0,
    httpVersion: request.httpVersion,
  };
}
