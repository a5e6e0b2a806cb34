import type { Endpoint, EndpointId } from '../endpoint.js';
import type { Outcome, Verdict } from '../outcome.js';
import type { Target } from '../target.js';

/** What a pool tells its listeners. Payloads name endpoints by id and hold no credential. */
export interface PoolEvents {
  added: { readonly endpoint: Endpoint };
  removed: { readonly endpoint: Endpoint };
  leased: { readonly leaseId: number; readonly endpoint: EndpointId; readonly target: Target };
  settled: {
    readonly leaseId: number;
    readonly endpoint: EndpointId;
    readonly target: Target;
    readonly outcome: Outcome;
    readonly verdict: Verdict;
  };
  /** A listener threw: the pool goes on, and says so here. */
  'listener-error': { readonly event: keyof PoolEvents; readonly error: unknown };
}

export type PoolListener<K extends keyof PoolEvents> = (event: PoolEvents[K]) => void;

/** A listener that throws never harms a lease: its error becomes an event. */
export class Emitter {
  readonly #listeners = new Map<keyof PoolEvents, Set<PoolListener<never>>>();

  on<K extends keyof PoolEvents>(name: K, listener: PoolListener<K>): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set.add(listener));
    return () => set.delete(listener);
  }

  emit<K extends keyof PoolEvents>(name: K, event: PoolEvents[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as PoolListener<K>)(event);
      } catch (error) {
        if (name !== 'listener-error') this.emit('listener-error', { event: name, error });
      }
    }
  }
}
