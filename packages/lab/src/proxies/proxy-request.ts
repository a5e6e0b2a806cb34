import type { Connection } from '../net/connection-log.js';
import type { LabServer } from '../net/listener.js';
import type { Credentials } from './credentials.js';

/** One thing a client asked a proxy for. */
export interface ProxyRequest {
  readonly form: 'connect' | 'absolute' | 'socks5' | 'socks4' | 'socks4a';
  readonly host: string;
  readonly port: number;
  /** What the client showed, right or wrong. */
  readonly credentials?: Credentials;
  /** The address it left from, where the proxy chooses one. */
  readonly exit?: string;
  /** The client's connection it came in on. */
  readonly connection?: Connection;
}

export interface ProxyServer extends LabServer {
  /** Everything asked, in order, including what was refused. */
  readonly requests: readonly ProxyRequest[];
}
