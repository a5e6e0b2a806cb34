import { ConfigurationError } from '../errors.js';
import { checkKeys, ofType } from '../option-check.js';
import type { Endpoint, EndpointId } from '../endpoint.js';
import type { Outcome, Verdict } from '../outcome.js';
import type { StoreReport } from '../ports/records.js';
import type { Target } from '../target.js';
import { onRejection } from './rejection.js';

/** What a pool tells its listeners. Payloads name endpoints by id and hold no credential. */
export interface PoolEvents {
  added: { readonly endpoint: Endpoint };
  removed: { readonly endpoint: Endpoint };
  leased: {
    readonly leaseId: number;
    readonly endpoint: EndpointId;
    readonly target: Target;
    readonly session: string | undefined;
  };
  settled: {
    /** When, in milliseconds since 1970. */
    readonly at: number;
    readonly leaseId: number;
    /** Which request of this pool it was for, and which attempt of that, from 1. */
    readonly requestId: number;
    readonly attempt: number;
    readonly endpoint: EndpointId;
    readonly target: Target;
    readonly session: string | undefined;
    readonly outcome: Outcome;
    readonly verdict: Verdict;
    /** The target is left alone from now on, because of this. */
    readonly suspended: boolean;
  };
  /** Every endpoint fails in the same way: look at the configuration. A PROXY_AUTH means credentials or session syntax. */
  'pool-misconfigured': { readonly code: string };
  /** An endpoint rests, for all targets. */
  cooldown: { readonly endpoint: EndpointId; readonly forMs: number };
  /** It may carry one attempt, to show whether it works again. */
  trial: { readonly endpoint: EndpointId; readonly why: 'released' | 'released-early' | 'panicked' };
  active: { readonly endpoint: EndpointId };
  /** Nothing but failures: held until resumed. */
  evicted: { readonly endpoint: EndpointId };
  held: { readonly endpoint: EndpointId };
  /** It has carried all it may: it rests until its list is refreshed or it is resumed. */
  spent: { readonly endpoint: EndpointId; readonly why: 'requests' | 'bytes' };
  resumed: { readonly endpoint: EndpointId };
  /** One endpoint is barred from one target. */
  blocked: { readonly endpoint: EndpointId; readonly target: string; readonly forMs: number };
  /** The target seems down: one probe at a time until it answers. */
  breaker: { readonly target: string; readonly open: boolean };
  /** The target is paced at this interval between uses of one endpoint; 0 is no pace any more. */
  paced: { readonly target: string; readonly intervalMs: number };
  /** The target is left alone, through every endpoint; Infinity is until it is resumed. */
  suspended: { readonly target: string; readonly forMs: number; readonly why: string };
  'target-resumed': { readonly target: string };
  /** `target` where the session keeps an exit for each. */
  pinned: { readonly session: string | undefined; readonly target: Target | undefined; readonly endpoint: EndpointId };
  unpinned: {
    readonly session: string | undefined;
    readonly target: Target | undefined;
    readonly endpoint: EndpointId;
  };
  /** It has moved all the bytes it may: its requests fail until it is unbound. */
  'session-spent': { readonly session: string };
  /** A session goes on through another exit than before. */
  'identity-changed': {
    readonly session: string | undefined;
    readonly target: Target | undefined;
    readonly from: EndpointId;
    readonly to: EndpointId;
  };
  /** The pool ended a lease itself. */
  'lease-ended': { readonly leaseId: number; readonly endpoint: EndpointId; readonly why: 'idle' | 'abandoned' };
  /** The store took a lease back, or could not be reached for as long as it was good for: another may use its place. */
  'lease-lost': { readonly leaseId: number; readonly endpoint: EndpointId };
  /** The store says how it does: whether what is learned is kept, and whether limits are shared. */
  store: StoreReport;
  /** A request was sent again. */
  rerouted: { readonly target: Target };
  replayed: { readonly target: Target };
  hedged: { readonly target: Target };
  /** One path more was sent beside the first, as the policy's race asks. */
  raced: { readonly target: Target };
  /** A bound of the pool was reached: somebody was turned away, or a target could not be left alone. */
  'bound-reached': { readonly what: 'waiting' | 'jobs' | 'suspensions' };
  /** The pool is closed: whoever keeps connections for it can let them go. */
  closed: Readonly<Record<never, never>>;
  /** A listener, a classifier or the callback of a lease threw: the pool goes on, and says so here. */
  'listener-error': { readonly event: keyof PoolEvents | 'classify' | 'summary' | 'onEnd'; readonly error: unknown };
}

export type PoolListener<K extends keyof PoolEvents> = (event: PoolEvents[K]) => void;

/** Every event by name; the compiler sees to it that none is missing. */
const NAMES: Readonly<Record<keyof PoolEvents, true>> = {
  added: true,
  removed: true,
  leased: true,
  settled: true,
  'pool-misconfigured': true,
  cooldown: true,
  trial: true,
  active: true,
  evicted: true,
  held: true,
  spent: true,
  resumed: true,
  blocked: true,
  breaker: true,
  paced: true,
  suspended: true,
  'target-resumed': true,
  pinned: true,
  unpinned: true,
  'session-spent': true,
  'identity-changed': true,
  'lease-ended': true,
  store: true,
  'lease-lost': true,
  rerouted: true,
  replayed: true,
  hedged: true,
  raced: true,
  'bound-reached': true,
  closed: true,
  'listener-error': true,
};

/** For each event. More are listeners that somebody forgot to take off. */
const MOST_LISTENERS = 1000;

/** A listener that throws, or whose promise rejects, never harms a lease: its error becomes an event. */
export class Emitter {
  readonly #listeners = new Map<keyof PoolEvents, Set<PoolListener<never>>>();

  on<K extends keyof PoolEvents>(name: K, listener: PoolListener<K>): () => void {
    checkKeys({ [name]: true }, Object.keys(NAMES), 'on');
    ofType(listener, 'function', `on('${name}')`);
    const set = this.#listeners.get(name) ?? new Set();
    if (set.size >= MOST_LISTENERS) {
      const problem = `has ${MOST_LISTENERS} listeners, which is the bound; the answer of \`on\` takes one off`;
      throw new ConfigurationError('INVALID_OPTION', `on('${name}')`, problem);
    }
    // Another set, and not that one changed: a listener that puts a new one in its place must not be called for it now.
    this.#listeners.set(name, new Set(set).add(listener));
    return () => this.#off(name, listener);
  }

  #off(name: keyof PoolEvents, listener: PoolListener<never>): void {
    const left = new Set(this.#listeners.get(name));
    left.delete(listener);
    this.#listeners.set(name, left);
  }

  /** Whether anybody listens: the hot path makes no payload for nobody. */
  has(name: keyof PoolEvents): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  /** Does what the user gave us to do; what that throws is an event. */
  guard(what: 'summary' | 'onEnd', work: () => unknown): void {
    const failed = (error: unknown): void => this.emit('listener-error', { event: what, error });
    try {
      onRejection(work(), failed);
    } catch (error) {
      failed(error);
    }
  }

  emit<K extends keyof PoolEvents>(name: K, event: PoolEvents[K]): void {
    const set = this.#listeners.get(name);
    if (set === undefined) return;
    for (const listener of set) {
      try {
        onRejection((listener as PoolListener<K>)(event), (error) => this.#failed(name, error));
      } catch (error) {
        this.#failed(name, error);
      }
    }
  }

  #failed(name: keyof PoolEvents, error: unknown): void {
    if (name !== 'listener-error') this.emit('listener-error', { event: name, error });
  }
}
