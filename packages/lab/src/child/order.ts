import type { FaultKind, FaultName, FaultOptions } from '../faults/fault-server.js';
import type { HttpProxyOptions } from '../proxies/http-proxy.js';
import type { SocksProxyOptions } from '../proxies/socks-proxy.js';
import type { TargetOptions } from '../targets/target.js';

/** What a child process shall run. */
export type ChildOrder =
  | { readonly kind: 'http-proxy'; readonly options?: HttpProxyOptions }
  | { readonly kind: 'socks-proxy'; readonly options?: SocksProxyOptions }
  | { readonly kind: 'target'; readonly options?: TargetOptions }
  | FaultOrder<FaultKind>;

type FaultOrder<K extends FaultKind> = K extends FaultKind
  ? { readonly kind: 'fault'; readonly of: K; readonly name: FaultName<K>; readonly options?: FaultOptions }
  : never;

/** What a server in a child process has seen so far. */
export interface ChildTally {
  readonly opened: number;
  readonly open: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requests: number;
  /** Of a target over TLS; zero elsewhere. */
  readonly handshakes: { readonly full: number; readonly resumed: number };
}

/** Where a child is to be found. */
export interface ChildGreeting {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** What a parent asks; the answer to either is a tally. */
export type ChildQuestion = 'tally' | 'idle';
