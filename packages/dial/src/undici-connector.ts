import { isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import type { Endpoint } from '@fairlead/core';
import type { buildConnector } from 'undici';
import { carrierOf, carry } from './carrier.js';
import { dial, DIAL_DEFAULTS, type DialSettings } from './dial.js';
import { noteFailure } from './failure-notes.js';
import { SharedContext, type TargetTlsOptions } from './target-tls.js';
import { TlsSessions } from './tls-sessions.js';

export interface UndiciConnectorOptions extends DialSettings {
  /** Under which session the bytes are counted. */
  readonly session?: string;
  /** Ends what is being dialled, as when the dispatcher closes: undici itself tells a connector nothing. */
  readonly signal?: AbortSignal;
  /** TLS to the target, such as `ca`. */
  readonly tls?: TargetTlsOptions;
  /** Offer HTTP/2 to the target, as undici's own `allowH2`. @default false */
  readonly allowH2?: boolean;
}

/**
 * What undici's `Agent`, `Pool` and `Client` take as `connect`: every connection goes through one proxy. The deadline
 * covers the dial and, anew, TLS to the target.
 */
export function undiciConnector(endpoint: Endpoint, options: UndiciConnectorOptions = {}): buildConnector.connector {
  const sessions = new TlsSessions();
  // Made here, where what is wrong with the options can be thrown at whoever wrote them.
  const { secureContext } = new SharedContext(options.tls).for({});
  return (target, answer) => {
    const secure = target.protocol === 'https:';
    const port = Number(target.port) || (secure ? 443 : 80);
    dial(endpoint, { ...options, host: target.hostname, port }).then(
      (socket) => {
        if (!secure) return answer(null, socket);
        const servername = target.servername ?? (isIP(target.hostname) === 0 ? target.hostname : undefined);
        startTls(socket, { host: target.hostname, port, servername, sessions, secureContext, options }, answer);
      },
      (error: Error) => answer(error, null),
    );
  };
}

interface TlsGoal {
  readonly host: string;
  readonly port: number;
  readonly servername: string | undefined;
  readonly sessions: TlsSessions;
  readonly secureContext: SecureContext | undefined;
  readonly options: UndiciConnectorOptions;
}

/** undici wants a socket that is ready; its own connector waits for TLS too. */
function startTls(tunnel: Socket, goal: TlsGoal, answer: buildConnector.Callback): void {
  const { host, servername, sessions, secureContext, options } = goal;
  const key = `${servername ?? host}:${goal.port}`;
  const session = sessions.get(key);
  const socket = connectTls({
    ...options.tls,
    secureContext,
    socket: tunnel,
    host: host.replace(/^\[|\]$/g, ''),
    ALPNProtocols: options.allowH2 === true ? ['http/1.1', 'h2'] : ['http/1.1'],
    ...(servername !== undefined && { servername }),
    ...(session && { session }),
  });
  const carrier = carrierOf(tunnel);
  if (carrier !== undefined) carry(socket, carrier);
  socket.on('session', (ticket) => sessions.set(key, ticket));
  const stop = watch(socket, options);
  const onError = (error: Error) => {
    stop();
    sessions.delete(key);
    noteFailure(error, { phase: 'target-tls', sent: 'nothing' });
    answer(error, null);
  };
  socket.once('error', onError);
  socket.once('secureConnect', () => {
    stop();
    socket.off('error', onError);
    answer(null, socket);
  });
}

/** Destroys the socket at its deadline or when told to; the answer calls this off. */
function watch(socket: TLSSocket, { timeoutMs = DIAL_DEFAULTS.timeoutMs, signal }: UndiciConnectorOptions): () => void {
  const end = (code: string, message: string) => () => void socket.destroy(Object.assign(new Error(message), { code }));
  const expire = end('ETIMEDOUT', 'the target did not answer the TLS handshake in time');
  const abort = end('ABORT_ERR', 'the connection was aborted during the TLS handshake');
  const timer = Number.isFinite(timeoutMs) ? setTimeout(expire, timeoutMs) : undefined;
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
}
