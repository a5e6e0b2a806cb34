import * as http from 'node:http';
import * as https from 'node:https';
import { TLSSocket } from 'node:tls';
import { certificates } from '../net/certificates.js';
import type { CertificateName } from '../net/certificates.js';
import { ignore, labServer, Listener } from '../net/listener.js';
import type { LabServer } from '../net/listener.js';
import { routeFor } from './routes.js';
import { acceptWebSocket } from './web-socket.js';

export interface TargetOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** Speak TLS, with the certificate named. */
  readonly certificate?: CertificateName;
  /** Keep a record of each request; a benchmark would rather not. @default true */
  readonly record?: boolean;
}

/** A request as the target saw it. */
export interface TargetRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly remoteAddress: string;
}

export interface Target extends LabServer {
  readonly requests: readonly TargetRequest[];
  /** TLS handshakes completed; those with a session the client brought along are also `resumed`. */
  readonly handshakes: { readonly full: number; readonly resumed: number };
}

/** Starts an HTTP or HTTPS server whose paths say how to behave: see `routes`. */
export async function startTarget(options: TargetOptions = {}): Promise<Target> {
  const { certificate, record = true } = options;
  const front = certificate ? https.createServer(certificates()[certificate]) : http.createServer();
  front.on('clientError', (_error, socket) => socket.destroy());
  // Keep-alive is the client's to end: a server that hangs up first would make tests race it.
  front.keepAliveTimeout = 0;
  const listener = await Listener.open(options.host ?? '127.0.0.1', (raw) => front.emit('connection', raw));
  const requests: TargetRequest[] = [];
  const handshakes = { full: 0, resumed: 0 };
  front.on('secureConnection', (socket: TLSSocket) => handshakes[socket.isSessionReused() ? 'resumed' : 'full']++);
  const seen = (request: http.IncomingMessage) => {
    if (record) requests.push(describe(request));
  };
  front.on('request', (request, response) => {
    seen(request);
    const url = new URL(request.url ?? '/', 'http://target');
    const reset = () => void listener.rawOf(request.socket)?.resetAndDestroy();
    // A client that leaves in mid-request is no error here.
    Promise.resolve(routeFor(url.pathname)({ request, response, url, reset })).catch(ignore);
  });
  front.on('upgrade', (request, socket, head) => {
    seen(request);
    acceptWebSocket(request, socket, head);
  });
  const url = `${certificate ? 'https' : 'http'}://${listener.authority}`;
  return Object.assign(labServer(listener, url), { requests, handshakes });
}

function describe(request: http.IncomingMessage): TargetRequest {
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    remoteAddress: request.socket.remoteAddress ?? '',
  };
}
