import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { parseProxyStatus, type Fault, type ProxyCredentials } from '@fairlead/core';
import type { Attempt, StepFailure } from './attempt.js';
import { authorityOf, type Destination } from './destination.js';
import { node } from './reach.js';

/** Asks an HTTP proxy for a tunnel. Node's own parser reads the answer. */
export function tunnelByConnect(
  socket: Socket,
  destination: Destination,
  credentials: ProxyCredentials | undefined,
  attempt: Attempt,
): Promise<Socket> {
  attempt.enter('tunnel');
  return attempt.step(({ done, fail }) => {
    const authority = authorityOf(destination);
    const request = httpRequest({
      method: 'CONNECT',
      path: authority,
      setHost: false,
      // Without this header Node would ask the proxy to close.
      headers: headersOf(authority, credentials),
      maxHeaderSize: MAX_HEAD,
      insecureHTTPParser: false,
      createConnection: () => socket,
    });
    // A turn later: Node tells of it from within its reading of the end, and a TLS socket that is destroyed there closes at
    // once. The parser would be freed twice, and then given to two connections.
    request.once('error', (error: NodeJS.ErrnoException) => process.nextTick(() => fail(failureOfExchange(error))));
    request.once('connect', (response: IncomingMessage, _socket: Socket, head: Buffer) => {
      const { statusCode = 0, headers } = response;
      const failure = failureOfReply(statusCode, headers['proxy-status'] as string | string[] | undefined);
      if (failure !== undefined) return fail(failure);
      if (head.length > 0) socket.unshift(head);
      done(socket);
    });
    request.end();
  });
}

const MAX_HEAD = 16 * 1024;

/** As a list, which Node writes as it stands: an object is taken apart first, at a tenth of the cost of the exchange. */
function headersOf(authority: string, credentials: ProxyCredentials | undefined): OutgoingHttpHeaders {
  const { 'proxy-authorization': login } = authorization(credentials);
  const list = ['Host', authority, 'Proxy-Connection', 'keep-alive', 'Connection', 'keep-alive'];
  if (login !== undefined) list.push('Proxy-Authorization', login);
  return list as unknown as OutgoingHttpHeaders;
}

/** The header that carries a proxy's user name and password. Never part of a request's own headers. */
export function authorization(credentials: ProxyCredentials | undefined): { 'proxy-authorization'?: string } {
  if (credentials === undefined) return {};
  const { username, password } = credentials;
  return { 'proxy-authorization': `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

export function failureOfExchange({ code }: NodeJS.ErrnoException): StepFailure {
  if (code?.startsWith('HPE_')) return protocolFailure('the proxy does not speak HTTP as it should');
  return {
    code: 'PROXY_CLOSED',
    fault: 'endpoint',
    message: 'the proxy closed the connection before it answered',
    ...node(code),
  };
}

/** What an answer to CONNECT says; undefined where it is a yes. */
export function failureOfReply(status: number, proxyStatus: string | string[] | undefined): StepFailure | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status < 200) return protocolFailure('the proxy gave an interim answer to CONNECT');
  // tinyproxy answers a wrong password with 401: in a CONNECT, that can only be the proxy's own lock.
  if (status === 407 || status === 401) {
    return { code: 'PROXY_AUTH', fault: 'endpoint', status, message: `the proxy refused its credentials (${status})` };
  }
  const said = parseProxyStatus(proxyStatus);
  return {
    code: 'PROXY_TUNNEL',
    fault: said?.fault ?? faultOfStatus(status),
    status,
    message: `the proxy refused the tunnel with status ${status}${said ? ` (${said.error})` : ''}`,
    ...(said && { proxyStatus: said.error }),
  };
}

/** squid says 503 and tinyproxy 500 when the target refuses; a 4xx is the proxy's policy, quota or limits. */
function faultOfStatus(status: number): Fault {
  if (status === 404 || status === 408) return 'unclear';
  return status < 500 || status === 501 || status === 505 ? 'endpoint' : 'unclear';
}

function protocolFailure(message: string): StepFailure {
  return { code: 'PROXY_PROTOCOL', fault: 'endpoint', message };
}
