import { expect, test } from 'vitest';
import { createLedger } from '../ledger/ledger.js';
import type { Outcome } from '../outcome.js';
import type { Records } from '../ports/records.js';
import type { SharedAdmitRequest, SharedAdmitResult, SharedLedger } from '../ports/shared-ledger.js';
import { manualClock, type ManualClock } from '../testing/manual-clock.js';
import { createPool, type Pool } from './pool.js';

const target = 'https://shop.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 20 };
const TRIP_MS = 5;

/** A ledger that is one trip away, and grants whatever is asked unless it is told what to answer. */
class FarLedger implements SharedLedger {
  readonly #clock: ManualClock;
  alone: ((key: string) => boolean) | undefined;
  readonly released: string[] = [];
  asking = 0;
  most = 0;
  next: (() => SharedAdmitResult) | undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  admit({ leaseId }: SharedAdmitRequest): Promise<SharedAdmitResult> {
    this.asking += 1;
    this.most = Math.max(this.most, this.asking);
    const answer = this.next;
    this.next = undefined;
    return new Promise((resolve, reject) => {
      this.#clock.schedule(this.#clock.now() + TRIP_MS, () => {
        this.asking -= 1;
        try {
          resolve(answer?.() ?? { ok: true, index: 0, pin: 'none', generation: 0 });
        } catch (error) {
          reject(error instanceof Error ? error : new Error(leaseId));
        }
      });
    });
  }

  release(leaseId: string): void {
    this.released.push(leaseId);
  }

  start(): void {}
  shardOf = (): number => 0;
  sessionShard = (): number => 0;
  suspend(): void {}
  resume(): void {}
  bind(): void {}
  unpin(): void {}
  async close(): Promise<void> {}
}

const records: Records = {
  // eslint-disable-next-line no-empty-function
  open: async () => ({ key: 'key', saved: (async function* () {})() }),
  push: async () => true,
  close: async () => undefined,
};

async function world(endpoints: number): Promise<{ clock: ManualClock; ledger: FarLedger; pool: Pool }> {
  const clock = manualClock();
  const ledger = new FarLedger(clock);
  const store = { name: 'far', ledger: createLedger(), records, shared: ledger };
  const proxies = Array.from({ length: endpoints }, (_, index) => ({ url: `http://p${index}:1`, maxInFlight: 64 }));
  const pool = createPool({ proxies, store, clock, deadlineMs: 60_000, policy: { abandon: false } });
  await pool.ready();
  return { clock, ledger, pool };
}

/** So many callers who come back as soon as they have been served. */
function crowd(pool: Pool, size: number): { served: number } {
  const count = { served: 0 };
  const come = async (): Promise<void> => {
    for (;;) {
      const lease = await pool.acquire({ target }).catch(() => undefined);
      if (lease === undefined) return;
      lease.settle(ok);
      count.served += 1;
    }
  };
  for (let caller = 0; caller < size; caller += 1) void come();
  return count;
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let step = 0; step < ms; step += 1) {
    await new Promise(setImmediate);
    clock.advance(1);
  }
  await new Promise(setImmediate);
}

test.each([
  ['refuses', (): SharedAdmitResult => ({ ok: false, reason: 'busy', retryAfterMs: 60 })],
  ['is away for a moment', (): SharedAdmitResult => ({ ok: false, reason: 'unavailable', retryAfterMs: 100 })],
])('a store that %s once is asked by as many as before, soon after', async (_, refusal) => {
  const { clock, ledger, pool } = await world(64);
  const count = crowd(pool, 64);
  await pass(clock, 500);
  const start = count.served;
  await pass(clock, 500);
  const before = count.served - start;
  ledger.next = refusal;
  await pass(clock, 500);
  const since = count.served;
  await pass(clock, 500);
  expect(count.served - since).toBeGreaterThan(before * 0.8);
  await pool.close();
});

test('one that has no room is asked by one at a time', async () => {
  const { clock, ledger, pool } = await world(8);
  const busy: SharedAdmitResult = { ok: false, reason: 'busy', retryAfterMs: 60_000 };
  for (let caller = 0; caller < 20; caller += 1) {
    ledger.next = () => busy;
    void pool.acquire({ target, deadlineMs: 50_000 }).catch(() => undefined);
    await pass(clock, TRIP_MS + 1);
  }
  ledger.most = 0;
  for (let turn = 0; turn < 500; turn += 1) {
    ledger.next ??= () => busy;
    await pass(clock, 1);
  }
  expect(ledger.most).toBe(1);
  await pool.close();
});

test.each([
  [
    'rejects',
    (): never => {
      throw new Error('not what the port says');
    },
  ],
  [
    'names a candidate that it was not given',
    (): SharedAdmitResult => ({ ok: true, index: 9, pin: 'none', generation: 0 }),
  ],
])('a store that %s takes no place here, and nobody is left waiting', async (_, answer) => {
  const { clock, ledger, pool } = await world(1);
  ledger.next = answer;
  const waiting = pool.acquire({ target });
  await pass(clock, 1_000);
  (await waiting).settle(ok);
  expect(pool.stats().inFlight).toBe(0);
  expect(ledger.released.length).toBe(2);
  await pool.close();
});

test('a worker that may grant alone, but on no endpoint, lets its callers wait for the store', async () => {
  const { clock, ledger, pool } = await world(2);
  ledger.alone = () => false;
  const waiting = pool.acquire({ target });
  await pass(clock, 1_000);
  ledger.alone = undefined;
  await pass(clock, 1_000);
  (await waiting).settle(ok);
  await pool.close();
});
