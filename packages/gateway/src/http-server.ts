import { createServer, STATUS_CODES, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { AccessLog } from './access-log.js';
import type { ConnectionGate } from './connection-gate.js';
import { refuseSocket, Refusal } from './refusal.js';
import type { RequestFront } from './request-front.js';
import type { TunnelFront } from './tunnel-front.js';

interface HttpServerParts {
  readonly gate: ConnectionGate;
  readonly requests: RequestFront;
  readonly tunnels: TunnelFront;
  readonly log: AccessLog;
  readonly headerTimeoutMs: number;
}

const MAX_HEAD = 16 * 1024;
/** How often Node looks for clients that take too long with their heads. */
const CHECK_MS = 1000;

/** Node's HTTP server as a proxy: its parser, strict, reads every request. */
export function createFront({ gate, requests, tunnels, log, headerTimeoutMs }: HttpServerParts): Server {
  // Nobody has read of these what they are: they are told by how they were refused.
  const refuse = (socket: Socket, refusal: Refusal): void => {
    if (socket.writable) log.begin('plain').end({ status: refusal.status, code: refusal.code });
    refuseSocket(socket, refusal);
  };
  const server = createServer({
    insecureHTTPParser: false,
    maxHeaderSize: MAX_HEAD,
    headersTimeout: headerTimeoutMs,
    // Bodies may take their time as long as they move: see RequestBody.
    requestTimeout: 0,
    keepAliveTimeout: 60_000,
    connectionsCheckingInterval: Math.min(CHECK_MS, headerTimeoutMs),
    noDelay: true,
  });
  // Node would cut its map of them and pass on the rest: they are counted where they are read, and none is overlooked.
  server.maxHeadersCount = 0;
  // In front of Node's own listener: who is turned away must not be served as well.
  const serve = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (!gate.enter(socket)) gate.turnAway(socket, () => refuse(socket, FULL));
    else for (const listener of serve) listener.call(server, socket);
  });
  server.on('request', requests.handle).on('checkContinue', requests.handle).on('checkExpectation', requests.handle);
  server.on('connect', (request, socket, head) => tunnels.handle(request, socket as Socket, head));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(socket as Socket, refusalOfClient(error)));
  return server;
}

const FULL = new Refusal(503, 'TOO_MANY_CONNECTIONS', 'too many clients are connected');

function refusalOfClient({ code = '' }: NodeJS.ErrnoException): Refusal {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Refusal(408, 'HEADER_TIMEOUT', 'the request took too long to come');
  if (code === 'HPE_HEADER_OVERFLOW') return new Refusal(431, 'HEADER_TOO_LARGE', STATUS_CODES[431]!);
  return new Refusal(400, 'BAD_REQUEST', 'the request is not HTTP as it should be');
}
