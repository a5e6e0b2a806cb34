import type { Clock } from './clock.js';
import type { Random } from './random.js';
import type { StoreReport } from './records.js';

/** One endpoint that may carry the request, with the limits it is to be held to. */
export interface SharedCandidate {
  /** The endpoint's keyed hash. */
  readonly key: string;
  /** Most leases at once, over all who share the store. */
  readonly maxInFlight: number;
}

/** What an admission is asked. */
export interface SharedAdmitRequest {
  /** Chosen by the caller, so that an admission whose answer is lost can be taken back by name. */
  readonly leaseId: string;
  readonly target: string;
  /** Best first; 1 to 32. */
  readonly candidates: readonly SharedCandidate[];
  /** Least time between uses of one endpoint on the target, and how far a use may come early. */
  readonly emissionMs: number;
  readonly burstMs: number;
  /** The session that is to keep what is granted, and for how long. */
  readonly session: string | undefined;
  readonly pin: { readonly ttlMs: number; readonly maxMs: number; readonly maxUses: number };
  /** Generation of the pin that this worker takes the session to have; undefined where it has not heard of one from the store. */
  readonly pinned: number | undefined;
}

/** What came of an admission. */
export type SharedAdmitResult =
  | {
      readonly ok: true;
      /** Which candidate. */
      readonly index: number;
      readonly pin: 'none' | 'new' | 'kept';
      readonly generation: number;
    }
  | {
      readonly ok: false;
      /** `unpinned`: the session has no pin any more, and was asked for by one. */
      readonly reason: 'suspended' | 'busy' | 'pinned-elsewhere' | 'unpinned' | 'recovering' | 'unavailable';
      /** When asking again may help; 0 is at once, Infinity is when somebody acts. */
      readonly retryAfterMs: number;
      /** The endpoint that the session keeps, where it is none of the candidates. */
      readonly endpoint?: string;
      readonly generation?: number;
      /** Why the target is suspended. */
      readonly why?: string;
    };

/** What is told to the store of a session's pin that it does not know, after a loss of its data. */
export interface SharedPin {
  readonly session: string;
  readonly key: string;
  readonly generation: number;
  readonly idleMs: number;
  readonly endMs: number;
  readonly usesLeft: number;
}

/** What a shared ledger is given of its pool. */
export interface SharedContext {
  readonly clock: Clock;
  readonly random: Random;
  /** The lease is void: it ran out before it could be renewed, or the store does not know it. */
  lost(leaseId: string): void;
  report(report: StoreReport): void;
  /** The store has taken a binding by hand, and calls it by this generation. */
  bound(session: string, key: string, generation: number): void;
  /** What this pool believes of pins, suspensions and paces: told to a store that has lost its data. */
  pins(): Iterable<SharedPin>;
  suspensions(): Iterable<{ readonly target: string; readonly forMs: number; readonly why: string }>;
  paces(): Iterable<{ readonly key: string; readonly target: string; readonly aheadMs: number }>;
}

/**
 * Hard limits that several processes share. Every verb is one step at the store. Nothing here rejects: a store that cannot
 * be reached answers `unavailable`, and what could not be told to it is told again.
 */
export interface SharedLedger {
  /** Sets the ledger to work for one pool. */
  start(context: SharedContext): void;
  /** While the store is out of reach and this worker may grant by itself: through which endpoints. */
  readonly alone: ((key: string) => boolean) | undefined;
  /** The shard of an endpoint: one admission is made within one shard. */
  shardOf(key: string): number;
  /** The shard that a session's pin lives in. */
  sessionShard(session: string): number;
  admit(request: SharedAdmitRequest): Promise<SharedAdmitResult>;
  release(leaseId: string): void;
  suspend(target: string, forMs: number, why: string): void;
  resume(target: string): void;
  bind(session: string, key: string, terms: SharedAdmitRequest['pin']): void;
  /** Ends a binding: of this generation alone, or of any. */
  unpin(session: string, generation?: number): void;
  /** Gives back what is held. */
  close(): Promise<void>;
}
