import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { checkKeys, type Endpoint } from '@fairlead/core';
import type { buildConnector } from 'undici';
import { dial, DIAL_DEFAULTS, DIAL_SETTING_KEYS, type DialSettings } from './dial.js';
import { TargetTls, type TargetTlsOptions } from './target-tls.js';

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

const KEYS = [
  ...DIAL_SETTING_KEYS,
  'session',
  'signal',
  'tls',
  'allowH2',
] as const satisfies readonly (keyof UndiciConnectorOptions)[];

/**
 * What undici's `Agent`, `Pool` and `Client` take as `connect`: every connection goes through one proxy. The deadline
 * covers the dial and, anew, TLS to the target.
 */
export function undiciConnector(endpoint: Endpoint, options: UndiciConnectorOptions = {}): buildConnector.connector {
  checkKeys(options, KEYS, '');
  const tls = new TargetTls(options.tls).prepare();
  const ALPNProtocols = options.allowH2 === true ? ['http/1.1', 'h2'] : ['http/1.1'];
  return (target, answer) => {
    const secure = target.protocol === 'https:';
    const port = Number(target.port) || (secure ? 443 : 80);
    dial(endpoint, { ...options, host: target.hostname, port }).then(
      (tunnel) => {
        if (!secure) return answer(null, tunnel);
        const host = target.hostname.replace(/^\[|\]$/g, '');
        const servername = target.servername ?? (isIP(host) === 0 ? host : undefined);
        const name = { host, ...(servername !== undefined && { servername }) };
        const socket = tls.over(tunnel, { ...name, ALPNProtocols }, `${servername ?? host}:${port}`);
        answerWhenSecure(socket, options, answer);
      },
      (error: Error) => answer(error, null),
    );
  };
}

/** undici wants a socket that is ready; its own connector waits for TLS too. */
function answerWhenSecure(socket: TLSSocket, options: UndiciConnectorOptions, answer: buildConnector.Callback): void {
  const stop = watch(socket, options);
  const onError = (error: Error) => {
    stop();
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
