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
import { noteFailure } from './failure-notes.js';
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
  over(tunnel: Socket, request: ConnectionOptions, key: string): TLSSocket {
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
    const failed = (error: Error) => {
      this.#sessions.delete(key);
      noteFailure(error, { phase: 'target-tls', sent: 'nothing' });
    };
    socket.prependOnceListener('error', failed);
    socket.once('secureConnect', () => socket.off('error', failed));
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
