import { memoryStore, type Records, type SharedLedger, type SharedStore } from '@fairlead/core';

/** Places that several pools of one process share: as much of a shared store as tells how adapters ask it. */
export class SharedRoom {
  readonly #held = new Map<string, string>();

  /** A store for one pool. */
  store(): SharedStore {
    return { name: 'room', ledger: memoryStore().ledger, records: KEEPS_NOTHING, shared: this.#ledger() };
  }

  #ledger(): SharedLedger {
    const held = this.#held;
    return {
      start: nothing,
      alone: undefined,
      shardOf: () => 0,
      sessionShard: () => 0,
      // As far away as any store: the answer is there in a later turn.
      admit: async ({ leaseId, candidates }) => {
        await new Promise((resolve) => setImmediate(resolve));
        const taken = [...held.values()];
        const index = candidates.findIndex(
          ({ key, maxInFlight }) => taken.filter((other) => other === key).length < maxInFlight,
        );
        if (index === -1) return { ok: false, reason: 'busy', retryAfterMs: 1 };
        held.set(leaseId, candidates[index]!.key);
        return { ok: true, index, pin: 'none', generation: 0 };
      },
      release: (leaseId) => void held.delete(leaseId),
      suspend: nothing,
      resume: nothing,
      bind: nothing,
      unpin: nothing,
      close: () => Promise.resolve(),
    };
  }
}

const KEEPS_NOTHING: Records = {
  open: () => Promise.resolve({ key: 'room', saved: none() }),
  push: () => Promise.resolve(true),
  close: () => Promise.resolve(),
};

async function* none(): AsyncIterable<never> {}

function nothing(): void {}
