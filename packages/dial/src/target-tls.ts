import { createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls';

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

/** Makes the secure context of an agent's connections once: Node would read the authorities anew for each of them. */
export class SharedContext {
  readonly #tls: TargetTlsOptions;
  #context: SecureContext | undefined;

  constructor(tls: TargetTlsOptions = {}) {
    this.#tls = tls;
  }

  /** The shared context as an option, or nothing where the request asks for one of its own. */
  for(options: object): { secureContext?: SecureContext } {
    const own = options as TargetTlsOptions;
    if (CONTEXT_KEYS.some((key) => own[key] !== undefined && own[key] !== this.#tls[key])) return {};
    this.#context ??= this.#tls.secureContext ?? createSecureContext(this.#tls);
    return { secureContext: this.#context };
  }
}
