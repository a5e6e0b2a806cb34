import { expect, test } from 'vitest';
import type { EndpointId } from '../endpoint.js';
import type { Outcome } from '../outcome.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import { createPool, type LocalPool } from './pool.js';

const KNOWN = 40;
const here = 'https://here.example/';
const gone = 'https://gone.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 300 };
const refused: Outcome = {
  kind: 'failure',
  phase: 'proxy-connect',
  code: 'ECONNREFUSED',
  elapsedMs: 10,
  sent: 'nothing',
  fault: 'endpoint',
};
const hung: Outcome = { ...refused, phase: 'response', code: 'ETIMEDOUT', sent: 'maybe', fault: 'unclear' };
const nameOf = (index: number): EndpointId => `http://p${index}:1` as EndpointId;

/** Forty proxies are known to be good and nothing is known of the others: how many attempts go to these. */
async function trialsOf(crowd: (pool: LocalPool) => void): Promise<number> {
  const clock = manualClock();
  const proxies = Array.from({ length: KNOWN + 400 }, (_, index) => nameOf(index));
  const pool = createPool({ proxies, clock, random: seededRandom(1), maxWaiting: 2_000 });
  for (let turn = 0; turn < KNOWN * 4; turn += 1) {
    pool.tryAcquire({ target: here, endpoint: nameOf(turn % KNOWN) })!.settle(ok);
    clock.advance(1);
  }
  crowd(pool);
  await undefined;
  let trials = 0;
  for (let turn = 0; turn < 1_000; turn += 1) {
    const lease = pool.tryAcquire({ target: here })!;
    const known = Number(lease.endpoint.id.split(/p|:/)[3]) < KNOWN;
    trials += Number(!known);
    lease.settle(known ? ok : refused);
  }
  pool.suspend(gone, 1);
  void pool.close();
  return trials;
}

const join = (pool: LocalPool): void => {
  for (let index = 0; index < 1_000; index += 1) {
    pool.acquire({ target: gone, deadlineMs: 1e9 }).catch(() => undefined);
  }
};

test('whoever waits for a suspended target makes nobody else try strangers', async () => {
  const alone = await trialsOf(() => undefined);
  const beside = await trialsOf((pool) => {
    pool.suspend(gone, 1e8);
    join(pool);
    expect(pool.stats().waiting).toBe(1_000);
  });
  expect(alone).toBeLessThan(100);
  expect(beside).toBe(alone);
});

test('nor does whoever waits for a target that is down', async () => {
  const count = await trialsOf((pool) => {
    const leases = Array.from({ length: 8 }, (_, index) => pool.tryAcquire({ target: gone, endpoint: nameOf(index) })!);
    for (const lease of leases) lease.settle(hung);
    expect(pool.stats().breakersOpen).toBe(1);
    join(pool);
    expect(pool.stats().waiting).toBe(1_000);
  });
  expect(count).toBeLessThan(100);
});
