/**
 * One piece of soft state in a form that outlives its process: absolute values, lengths of time instead of instants, and
 * the wall time they were true at. A later record of the same thing replaces an earlier one.
 */
export type SoftRecord =
  | EndpointRecord
  | BlockRecord
  | PaceRecord
  | SuspensionRecord
  | PinRecord
  | TargetRecord
  | FleetRecord;

interface Dated {
  /** Milliseconds since 1970 at which the record was true. */
  readonly at: number;
}

/** What was learned of one endpoint. */
export interface EndpointRecord extends Dated {
  readonly kind: 'endpoint';
  /** Keyed hash of scheme, host, port and user name: it names the endpoint and shows nothing of it. */
  readonly key: string;
  readonly success: number;
  readonly failure: number;
  readonly latencyMs: number;
  readonly streak: number;
  readonly limit: number;
  readonly spells: number;
  readonly misses: number;
  readonly flags: number;
  readonly active: boolean;
  /** What was left of its cooldown; 0 when it rested not. */
  readonly coolMs: number;
  /** What this worker has seen of it since the record before: what shared stores add up. */
  readonly gained?: { readonly attempts: number; readonly success: number; readonly failure: number };
}

/** An endpoint is barred from a target. */
export interface BlockRecord extends Dated {
  readonly kind: 'block';
  readonly key: string;
  readonly target: string;
  readonly forMs: number;
  readonly strikes: number;
}

/** An endpoint's next use on a target is still far ahead. */
export interface PaceRecord extends Dated {
  readonly kind: 'pace';
  readonly key: string;
  readonly target: string;
  readonly forMs: number;
}

/** A target is paused; `forMs` 0 ends it, Infinity is until somebody resumes it. */
export interface SuspensionRecord extends Dated {
  readonly kind: 'suspension';
  readonly target: string;
  readonly forMs: number;
  readonly why: string;
}

/** A session keeps an endpoint; an empty key ends that. */
export interface PinRecord extends Dated {
  readonly kind: 'pin';
  readonly session: string;
  readonly key: string;
  /** What is left until it ends unused, and until it ends in any case. */
  readonly idleMs: number;
  readonly endMs: number;
  readonly usesLeft: number;
  /** Where the store gives pins generations of its own. */
  readonly generation?: number;
}

/** What was learned of one target. */
export interface TargetRecord extends Dated {
  readonly kind: 'target';
  readonly target: string;
  readonly intervalMs: number;
}

/** What endpoints of which nothing is known are presumed to be like. */
export interface FleetRecord extends Dated {
  readonly kind: 'fleet';
  readonly noveltySuccess: number;
  readonly noveltyFailure: number;
  readonly failureMs: number;
  readonly latencyMs: number;
  readonly hangs: number;
  readonly quick: number;
  /** Bins that hold anything, as index and count in turn. */
  readonly firsts: readonly number[];
  readonly ratios: readonly number[];
}
