import type { Socket } from 'node:net';
import type { CertificateName } from '../net/certificates.js';
import type { Destination } from '../net/destination.js';
import type { Listener } from '../net/listener.js';

/**
 * How far a client gets before the fault strikes: `hello` is inside any TLS but before a word was read.
 * SOCKS has no `tls`; HTTP has no `greeting` and no `auth`.
 */
export type Moment = 'refused' | 'accept' | 'tls' | 'hello' | 'greeting' | 'auth' | 'request' | 'tunnel';

/** One way to misbehave. */
export interface Fault {
  /** What it does, as the end of the sentence "a server that …". */
  readonly about: string;
  readonly at: Moment;
  /** What a careful client gets: its answer, a failure, or nothing until its own deadline. */
  readonly outcome: 'works' | 'fails' | 'hangs';
  /** Presents this certificate. A fault with a certificate and no strike has no other fault. */
  readonly certificate?: CertificateName;
  readonly strike?: (scene: Scene) => void;
}

export interface FaultSettings {
  /** Milliseconds between two bytes of what is dripped. @default 100 */
  readonly every?: number;
  /** Bytes from the target that a tunnel carries before it is cut. @default 1000 */
  readonly cutAfter?: number;
}

/** What a fault has to work with. */
export interface Scene extends Required<FaultSettings> {
  /** The client, inside any TLS. */
  readonly socket: Socket;
  /** The client's TCP socket: a reset of a TLS socket does not reach the wire. */
  readonly raw: Socket;
  readonly listener: Listener;
  /** Where the client wants to go, once it has said so. */
  readonly destination: Destination;
}
