import type { Socket } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  TLSSocket,
  type ConnectionOptions,
  type PeerCertificate,
  type SecureContext,
} from 'node:tls';
import { carrierOf, carry } from './carrier.js';
import { DIAL_DEFAULTS } from './dial.js';
import { noteFailure } from './failure-notes.js';
import { startTimer } from './timer.js';
import { TlsSessions } from './tls-sessions.js';

/** TLS to the target. What comes with the request itself (name, port, session) is not here. */
export type TargetTlsOptions = Omit<ConnectionOptions, 'socket' | 'host' | 'port' | 'path' | 'session' | 'servername'>;

/** What a secure context is made of. One option more than its own, and a request needs a context of its own. */
const CONTEXT_KEYS = [
  'ca',
  'cert',
  'ciphers',
  'clientCertEngine',
  'crl',
  'dhparam',
  'ecdhCurve',
  'honorCipherOrder',
  'key',
  'maxVersion',
  'minVersion',
  'passphrase',
  'pfx',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'secureContext',
  'secureOptions',
  'secureProtocol',
  'sessionIdContext',
  'sigalgs',
] as const;

/** What ends a handshake that does not end. */
export interface TlsLimits {
  /** Counted from the tunnel on. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** TLS to the targets behind one endpoint: its secure context is made once, and its sessions are resumed. */
export class TargetTls {
  readonly #options: TargetTlsOptions;
  readonly #sessions = new TlsSessions();
  #context: SecureContext | undefined;

  constructor(options: TargetTlsOptions = {}) {
    this.#options = options;
  }

  /** Makes the secure context now, where what is wrong with its options can be thrown at whoever wrote them. */
  prepare(): this {
    this.#shared();
    return this;
  }

  /** Begins TLS over a tunnel. Sessions are kept by `key`: the origin, and whatever else must not be mixed. */
  over(tunnel: Socket, request: ConnectionOptions, key: string, limits: TlsLimits): TLSSocket {
    const options = { ...request, ...this.#options };
    const session = this.#sessions.get(key);
    const socket = connectTls({
      ...options,
      ...(this.#asksForMore(request) ? {} : { secureContext: this.#shared() }),
      ...(session && { session }),
      socket: tunnel,
    });
    if (options.checkServerIdentity === undefined) checkLeafAlone(socket);
    const carrier = carrierOf(tunnel);
    if (carrier !== undefined) carry(socket, carrier);
    socket.on('session', (ticket) => this.#sessions.set(key, ticket));
    const stop = watch(socket, limits);
    const failed = (error: Error) => {
      this.#sessions.delete(key);
      noteFailure(error, { phase: 'target-tls', sent: 'nothing' });
    };
    socket.prependOnceListener('error', failed);
    socket.once('close', stop);
    socket.once('secureConnect', () => {
      stop();
      socket.off('error', failed).off('close', stop);
    });
    return socket;
  }

  #asksForMore(request: ConnectionOptions): boolean {
    return CONTEXT_KEYS.some((key) => request[key] !== undefined && this.#options[key] === undefined);
  }

  /** Node would read the authorities anew for each connection. */
  #shared(): SecureContext {
    this.#context ??= this.#options.secureContext ?? createSecureContext(this.#options);
    return this.#context;
  }
}

/** Destroys the socket at its deadline or when told to; the answer calls this off. */
function watch(socket: TLSSocket, { timeoutMs = DIAL_DEFAULTS.timeoutMs, signal }: TlsLimits): () => void {
  const end = (code: string, message: string) => void socket.destroy(Object.assign(new Error(message), { code }));
  const expire = () => end('ETIMEDOUT', 'the target did not answer the TLS handshake in time');
  const timer = startTimer(expire, timeoutMs);
  if (signal === undefined) return () => clearTimeout(timer);
  const abort = () => end('ABORT_ERR', 'the connection was aborted during the TLS handshake');
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  };
}

/**
 * Node collects a certificate's whole chain, issuers and all, for its check of the server's name, and then looks at the first:
 * that is an eighth of what a dial costs. During the handshake the first is all it gets.
 */
function checkLeafAlone(socket: TLSSocket): void {
  const { getPeerCertificate } = TLSSocket.prototype;
  const within = (detailed?: boolean): PeerCertificate =>
    getPeerCertificate.call(socket, detailed === true && !isShakingHands(socket));
  socket.getPeerCertificate = within as TLSSocket['getPeerCertificate'];
}

function isShakingHands(socket: TLSSocket): boolean {
  return (socket as unknown as { readonly secureConnecting: boolean }).secureConnecting;
}
