import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { checkKeys, type Endpoint } from '@fairlead/core';
import type { buildConnector } from 'undici';
import { dialPlain, headsInAbsoluteForm } from './absolute-form.js';
import { carrierOf } from './carrier.js';
import { checkDialSettings, dialTunnel, DIAL_SETTING_KEYS, type DialSettings } from './dial.js';
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
 * covers the dial and, anew, TLS to the target. A proxy that opens no tunnel to a plain `http://` target is asked in
 * absolute form.
 */
export function undiciConnector(endpoint: Endpoint, options: UndiciConnectorOptions = {}): buildConnector.connector {
  checkKeys(options, KEYS, '');
  checkDialSettings(options);
  const tls = new TargetTls(options.tls).prepare();
  const ALPNProtocols = options.allowH2 === true ? ['http/1.1', 'h2'] : ['http/1.1'];
  return (target, answer) => {
    const secure = target.protocol === 'https:';
    const port = Number(target.port) || (secure ? 443 : 80);
    const open = secure ? dialTunnel : dialPlain;
    open(endpoint, { ...options, host: target.hostname, port }).then(
      (tunnel) => {
        const carrier = carrierOf(tunnel);
        if (carrier?.via === 'absolute') headsInAbsoluteForm(tunnel, carrier, endpoint);
        if (!secure) return answer(null, tunnel);
        const host = target.hostname.replace(/^\[|\]$/g, '');
        const servername = target.servername ?? (isIP(host) === 0 ? host : undefined);
        const name = { host, ...(servername !== undefined && { servername }), ALPNProtocols };
        let socket: TLSSocket;
        try {
          socket = tls.over(tunnel, name, `${servername ?? host}:${port}`, options);
        } catch (error) {
          // Node throws at some options only once there is a connection.
          tunnel.destroy();
          return answer(error as Error, null);
        }
        answerWhenSecure(socket, answer);
      },
      (error: Error) => answer(error, null),
    );
  };
}

/** undici wants a socket that is ready; its own connector waits for TLS too. */
function answerWhenSecure(socket: TLSSocket, answer: buildConnector.Callback): void {
  const onError = (error: Error) => answer(error, null);
  socket.once('error', onError);
  socket.once('secureConnect', () => {
    socket.off('error', onError);
    answer(null, socket);
  });
}
