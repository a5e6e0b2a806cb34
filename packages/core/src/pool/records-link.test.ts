import { expect, test } from 'vitest';
import { createLedger } from '../ledger/ledger.js';
import type { Outcome } from '../outcome.js';
import type { Records } from '../ports/records.js';
import type { SoftRecord } from '../ports/soft-record.js';
import { manualClock } from '../testing/manual-clock.js';
import { createPool } from './pool.js';

const ok: Outcome = { kind: 'response', status: 200, latencyMs: 20 };
const WRITE_MS = 5;

/** Records that take some milliseconds to write a batch, and may not take any for a while. */
function slowRecords() {
  const clock = manualClock();
  const batches: (readonly SoftRecord[])[] = [];
  const state = { takes: true };
  const records: Records = {
    get takes() {
      return state.takes;
    },
    open: async () => ({ key: 'key', saved: (async function* () {})() }),
    push(batch) {
      batches.push(batch);
      return new Promise((resolve) => clock.schedule(clock.now() + WRITE_MS, () => resolve(true)));
    },
    close: async () => undefined,
  };
  const proxies = Array.from({ length: 20 }, (_, index) => ({ url: `http://p${index}:1`, maxInFlight: 8 }));
  const pool = createPool({ proxies, clock, store: { name: 'slow', ledger: createLedger(), records } });
  /** So many milliseconds in each of which several attempts end. */
  const work = async (ms: number): Promise<void> => {
    for (let step = 0; step < ms; step += 1) {
      for (let turn = 0; turn < 5; turn += 1) (await pool.acquire({ target: 'https://shop.example/' })).settle(ok);
      clock.advance(1);
      await new Promise(setImmediate);
    }
  };
  return { pool, clock, batches, state, work };
}

const isEndpoint = (record: SoftRecord): boolean => record.kind === 'endpoint';

test('however busy the pool, each endpoint costs one record a second', async () => {
  const { pool, batches, work } = slowRecords();
  await pool.ready();
  await work(4_000);
  expect(batches.length).toBeLessThanOrEqual(5);
  const keys = batches.map((batch) => batch.filter(isEndpoint).length);
  expect(Math.max(...keys)).toBeLessThanOrEqual(20);
  expect(Math.min(...keys)).toBeGreaterThan(0);
});

test('what a store does not take is gathered, and told when it does', async () => {
  const { pool, clock, batches, state, work } = slowRecords();
  await pool.ready();
  state.takes = false;
  pool.suspend('other.example', 60_000);
  await work(3_000);
  expect(batches).toEqual([]);
  state.takes = true;
  clock.advance(1_001);
  await new Promise(setImmediate);
  expect(batches.length).toBe(1);
  expect(batches[0]!.some(({ kind }) => kind === 'suspension')).toBe(true);
  expect(batches[0]!.filter(isEndpoint).length).toBeGreaterThan(10);
});
