import { beforeEach, describe, expect, test } from 'vitest';
import { createLedger, type AdmitRequest, type LedgerOptions, type LocalLedger } from './ledger.js';

const FOREVER = { ttlMs: Infinity, maxMs: Infinity, maxUses: Infinity };

let ledger: LocalLedger;
let now: number;

beforeEach(() => start());

function start(options: LedgerOptions = {}): void {
  ledger = createLedger(options);
  now = 0;
}

function admit(rows: readonly number[], changes: Partial<AdmitRequest> = {}) {
  return {
    ...ledger.admit({
      rows: Int32Array.from(rows),
      limits: new Int32Array(rows.length).fill(65_535),
      count: rows.length,
      target: 0,
      targetKey: 'shop.example',
      emissionMs: 0,
      burstMs: 0,
      session: undefined,
      pin: FOREVER,
      now,
      ...changes,
    }),
  };
}

describe('leases', () => {
  test('the first candidate with room is taken, and none over its limit', () => {
    const limits = Int32Array.of(1, 2);
    const rows = Array.from({ length: 4 }, () => admit([3, 1], { limits }).row);
    expect(rows).toEqual([3, 1, 1, -1]);
    expect(admit([3, 1], { limits })).toMatchObject({ reason: 'busy', retryAt: Infinity });
    expect(ledger.total()).toBe(3);
  });

  test('a place given back is taken again', () => {
    const limits = Int32Array.of(1);
    admit([0], { limits });
    ledger.release(0);
    expect(admit([0], { limits }).row).toBe(0);
    expect(ledger.inFlight(0)).toBe(1);
  });

  test('giving back what was never taken is an error', () => {
    expect(() => ledger.release(0)).toThrow(RangeError);
  });

  test('rows beyond the first capacity are counted', () => {
    expect(admit([99_999]).row).toBe(99_999);
    expect(ledger.inFlight(99_999)).toBe(1);
  });
});

describe('pace', () => {
  const paced = { emissionMs: 1_000, burstMs: 0 };

  test('no two uses of a pair are closer than its pace; other pairs do not mind', () => {
    expect(admit([0], paced).row).toBe(0);
    now = 999;
    expect(admit([0], paced)).toMatchObject({ row: -1, reason: 'busy', retryAt: 1_000 });
    expect(admit([0], { ...paced, target: 1 }).row).toBe(0);
    expect(admit([0, 5], paced).row).toBe(5);
    now = 1_000;
    expect(admit([0], paced).row).toBe(0);
  });

  test('a burst lets a use come early, and what came early is paid back', () => {
    const burst = { emissionMs: 1_000, burstMs: 500 };
    admit([0], burst);
    now = 500;
    expect(admit([0], burst).row).toBe(0);
    now = 1_400;
    expect(admit([0], burst)).toMatchObject({ row: -1, retryAt: 1_500 });
    now = 1_500;
    expect(admit([0], burst).row).toBe(0);
  });

  test('a use that never arrived is taken back, and no other', () => {
    admit([0], paced);
    ledger.unspend(0, 0, paced.emissionMs);
    expect(admit([0], paced).row).toBe(0);
    expect(admit([0], paced).row).toBe(-1);
    ledger.unspend(1, 0, paced.emissionMs);
    expect(ledger.opensAt(1, 0, 0)).toBe(0);
  });

  test('idleness is no credit', () => {
    admit([0], paced);
    now = 60_000;
    expect(admit([0], paced).row).toBe(0);
    expect(admit([0], paced).row).toBe(-1);
  });

  test('a full lease takes no pace with it', () => {
    const limits = Int32Array.of(0);
    admit([0], { ...paced, limits });
    expect(ledger.opensAt(0, 0, 0)).toBe(0);
  });

  test('pairs of a full table that are open again are the first to be forgotten', () => {
    start({ maxPairs: 64 });
    admit([0], { emissionMs: 1e6, burstMs: 0 });
    for (let row = 1; row < 500; row += 1) {
      now += 10;
      admit([row], { emissionMs: 20, burstMs: 0 });
    }
    expect(ledger.opensAt(0, 0, 0)).toBe(1e6);
  });
});

describe('suspensions', () => {
  test('nobody is admitted to a suspended target until it ends', () => {
    ledger.suspend('shop.example', 5_000, '429', now);
    expect(admit([0])).toMatchObject({ row: -1, reason: 'suspended', retryAt: 5_000 });
    expect(admit([0], { targetKey: 'else.example' }).row).toBe(0);
    now = 5_000;
    expect(admit([0]).row).toBe(0);
    expect(ledger.suspensions.size).toBe(0);
  });

  test('the longer one stays, and resuming ends any', () => {
    ledger.suspend('shop.example', Infinity, 'operator', now);
    ledger.suspend('shop.example', 1_000, '429', now);
    now = 9e15;
    expect(ledger.suspendedUntil('shop.example', now)).toBe(Infinity);
    expect(ledger.resume('shop.example')).toBe(true);
    expect(admit([0]).row).toBe(0);
  });

  test('are bounded: ended ones make room, and without room it says so', () => {
    start({ maxSuspensions: 2 });
    ledger.suspend('a', 10, '', now);
    ledger.suspend('b', 1_000, '', now);
    expect(ledger.suspend('c', 1_000, '', now)).toBe(false);
    now = 10;
    expect(ledger.suspend('c', 1_000, '', now)).toBe(true);
    expect(ledger.suspendedUntil('b', now)).toBe(1_000);
  });
});

describe('pins', () => {
  const session = 'cart-42';

  test('first uses at the same time share one pin', () => {
    expect(admit([3, 4], { session })).toMatchObject({ row: 3, pin: 'new' });
    expect(admit([4, 3], { session })).toMatchObject({ row: 3, pin: 'kept', generation: 1 });
    expect(admit([4], { session })).toMatchObject({ row: 3, reason: 'pinned-elsewhere', generation: 1 });
    expect(ledger.inFlight(4)).toBe(0);
  });

  test('a pinned endpoint that is full keeps the session waiting', () => {
    const limits = Int32Array.of(1, 1);
    admit([3, 4], { session, limits });
    expect(admit([3, 4], { session, limits })).toMatchObject({ row: -1, reason: 'busy' });
    expect(ledger.inFlight(4)).toBe(0);
  });

  test('a stale lease unbinds no newer pin', () => {
    const { generation } = admit([3], { session });
    expect(ledger.unpin(session, generation)).toBe(true);
    const newer = admit([4], { session });
    expect(ledger.unpin(session, generation)).toBe(false);
    expect(ledger.pinOf(session, now)).toMatchObject({ row: 4, generation: newer.generation });
  });

  test('lasts from use to use, but not beyond its end, nor beyond its uses', () => {
    const pin = { ttlMs: 100, maxMs: 250, maxUses: 4 };
    admit([3], { session, pin });
    for (const at of [90, 180]) {
      now = at;
      expect(admit([3], { session, pin }).pin).toBe('kept');
    }
    now = 250;
    expect(admit([4], { session, pin })).toMatchObject({ row: 4, pin: 'new' });
    for (let use = 1; use < 4; use += 1) expect(admit([4], { session, pin }).pin).toBe('kept');
    expect(admit([4], { session, pin }).pin).toBe('new');
  });

  test('ends with the endpoint it was bound to, though its row serves another', () => {
    admit([3], { session });
    ledger.forgetRow(3);
    expect(ledger.pinOf(session, now)).toBeUndefined();
    expect(admit([3], { session }).pin).toBe('new');
  });

  test('the least recently used one gives way when there are too many', () => {
    start({ maxPins: 2 });
    admit([0], { session: 'a' });
    admit([0], { session: 'b' });
    admit([0], { session: 'a' });
    admit([0], { session: 'c' });
    expect([...ledger.sessions.keys()]).toEqual(['a', 'c']);
  });

  test('a session may be bound by hand', () => {
    ledger.bind(session, 7, FOREVER, now);
    expect(admit([3, 7], { session })).toMatchObject({ row: 7, pin: 'kept' });
  });
});
