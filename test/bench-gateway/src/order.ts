/** What a contender's process shall run. */
export interface Order {
  readonly kind: 'ours' | 'proxyChain';
  readonly upstreams: readonly string[];
  /** What ours does by the outcomes. @default 'relay' */
  readonly policy?: 'relay' | 'respectful';
  /** Connections that ours takes from one address, where that is not its default. */
  readonly maxPerPeer?: number;
  /** How ours sends plain requests to its upstream. */
  readonly plain?: 'tunnel' | 'absolute';
}

/** What a contender's process has used so far. */
export interface Vitals {
  readonly cpuMs: number;
  readonly rssMb: number;
}
