import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Endpoint } from '@fairlead/core';
import type { Attempt, StepFailure } from './attempt.js';
import type { DialErrorCode } from './dial-error.js';
import type { Inlet } from './inlet.js';

export interface ReachOptions {
  /** PEM of the authority that signed the certificates of `https://` proxies. @default the platform's authorities */
  readonly ca?: string | Buffer;
  /** Resolves the proxy's name. @default dns.lookup */
  readonly lookup?: LookupFunction;
}

/** Opens TCP to the proxy. Several addresses of one name are raced (Happy Eyeballs). */
export function reachTcp(
  endpoint: Endpoint,
  { lookup, inlet }: ReachOptions & { readonly inlet?: Inlet },
  attempt: Attempt,
): Promise<Socket> {
  attempt.enter('proxy-connect');
  return attempt.step(({ done, fail }) => {
    const { host, port } = endpoint.url;
    // Under TLS the bytes on the wire are nobody's to take.
    const onread = endpoint.url.scheme === 'https' ? undefined : inlet?.onread;
    const socket = attempt.hold(
      connect({
        host,
        port,
        autoSelectFamily: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
        ...(lookup && { lookup }),
        ...(onread && { onread }),
      }),
    );
    if (onread) inlet?.attach(socket);
    const onError = (error: NodeJS.ErrnoException) => fail(failureOfConnect(tellingCode(error)));
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      done(socket);
    });
  });
}

/** TCP keep-alive finds the proxy that vanished under an idle tunnel. */
export const TCP_KEEP_ALIVE_MS = 60_000;

/** Answers that say something of the name. */
export const NO_SUCH_NAME: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/** Out of descriptors, ports, buffers or routes, or without a name server: this machine's trouble, which no proxy should pay for. */
const OWN_TROUBLE = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
  'EACCES',
  'EPERM',
  'ENETUNREACH',
  'ENETDOWN',
  'ESERVFAIL',
  'EREFUSED',
  'ETIMEOUT',
]);

function isOwnTrouble(code: string | undefined): boolean {
  return code !== undefined && (OWN_TROUBLE.has(code) || code.startsWith('EAI_'));
}

/** Of several addresses one that the proxy has to answer for, if there is one: a machine without IPv6 fails at those first. */
export function tellingCode(
  error: NodeJS.ErrnoException & { readonly errors?: readonly NodeJS.ErrnoException[] },
): string | undefined {
  const codes = error.errors?.map(({ code }) => code) ?? [];
  return codes.find((code) => !isOwnTrouble(code)) ?? error.code;
}

export function failureOfConnect(code: string | undefined): StepFailure {
  // A reset can overtake the news that the connection stands.
  if (code === 'ECONNRESET')
    return {
      code: 'PROXY_CLOSED',
      fault: 'endpoint',
      message: 'the proxy closed the connection at once',
      ...node(code),
    };
  const fault = isOwnTrouble(code) ? 'unclear' : 'endpoint';
  return { code: 'PROXY_CONNECT', fault, message: 'the proxy could not be reached', ...node(code) };
}

/** Lets a further code of Node's through, and nothing else. */
export function node(code: string | undefined): { nodeCode?: string } {
  return code !== undefined && /^(?:E[A-Z0-9]+|EAI_[A-Z]+)$/.test(code) ? { nodeCode: code } : {};
}

/** Speaks TLS to an `https://` proxy. Its certificate is always verified. */
export function reachTls(endpoint: Endpoint, raw: Socket, { ca }: ReachOptions, attempt: Attempt): Promise<Socket> {
  attempt.enter('proxy-tls');
  return attempt.step(({ done, fail }) => {
    const { host } = endpoint.url;
    const session = ticketOf(endpoint, ca);
    const socket = attempt.hold(
      connectTls({
        socket: raw,
        host,
        ALPNProtocols: ['http/1.1'],
        ...(isIP(host) === 0 && { servername: host }),
        ...(ca !== undefined && { ca }),
        ...(session && { session }),
      }),
    );
    const onError = ({ code }: NodeJS.ErrnoException) => {
      tickets.delete(endpoint);
      fail({ ...failureOfTls(code), fault: 'endpoint', ...node(code) });
    };
    socket.on('session', (ticket) => tickets.set(endpoint, { ca, ticket }));
    socket.once('error', onError);
    socket.once('secureConnect', () => {
      socket.off('error', onError);
      done(socket);
    });
  });
}

function failureOfTls(code: string | undefined): { code: DialErrorCode; message: string } {
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return { code: 'PROXY_CLOSED', message: 'the proxy closed the connection during its TLS handshake' };
  }
  if (code === undefined || code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return { code: 'PROXY_PROTOCOL', message: 'the proxy does not speak TLS as it should' };
  }
  return { code: 'PROXY_TLS', message: `the proxy's certificate was refused (${code})` };
}

interface Ticket {
  readonly ca: ReachOptions['ca'];
  readonly ticket: Buffer;
}

/** Goes with the endpoint, so that it needs no bound of its own. */
const tickets = new WeakMap<Endpoint, Ticket>();

function ticketOf(endpoint: Endpoint, ca: ReachOptions['ca']): Buffer | undefined {
  const known = tickets.get(endpoint);
  // A resumed session is not verified again: one made under another authority proves nothing here.
  return known !== undefined && known.ca === ca ? known.ticket : undefined;
}
