import type { Credentials } from '../proxies/credentials.js';
import type { DaemonPlace } from './daemon.js';

/** What there is to know about a program that is a proxy. */
export interface RealServerPlan {
  readonly debianPackage: string;
  readonly scheme: 'http' | 'socks5h';
  /** The program, and what else must be there for it to run. */
  readonly files: readonly [program: string, ...others: string[]];
  /** Its users are those of the system. */
  readonly usersAreSystemUsers?: true;
  /** Writes its configuration and returns its arguments. */
  readonly prepare: (place: ProxyPlace, credentials?: Credentials) => Promise<readonly string[]> | readonly string[];
}

export interface ProxyPlace extends DaemonPlace {
  /** The loopback address it leaves from, where that is not the one it listens on. */
  readonly exit?: string;
}
