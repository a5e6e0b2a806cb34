import { expect, test } from 'vitest';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import type { Lease } from './lease.js';
import type { LocalPoolOptions } from './options.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';

function setUp(options: LocalPoolOptions = {}) {
  const proxies = ['http://a:1', 'http://b:1', 'http://c:1'];
  return createPool({ proxies, clock: manualClock(), random: seededRandom(1), ...options });
}

/** Turns of the microtask queue: what is promised has come by then. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await undefined;
}

test('a job that is cancelled while its attempt is out tells the attempt, and its place returns', async () => {
  const pool = setUp();
  let told: unknown;
  const job = pool.trySubmit({ target }, (lease) => {
    lease.signal.addEventListener('abort', () => (told = lease.signal.reason));
    return new Promise<never>(() => undefined);
  });
  await turns();
  job.cancel(new Error('enough'));
  await expect(job.result).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } });
  expect(told).toMatchObject({ code: 'LEASE_ENDED', why: 'aborted' });
  expect(pool.stats()).toMatchObject({ inFlight: 0, proxies: { healthy: 3 } });
});

test('who calls a run off hears of that at once, whatever the attempt makes of its signal', async () => {
  for (const rejects of [true, false]) {
    const pool = setUp();
    const controller = new AbortController();
    const result = pool.run({ target, signal: controller.signal, deadlineMs: 3000 }, (lease) => {
      return new Promise<never>((_, reject) => {
        if (rejects) lease.signal.addEventListener('abort', () => reject(lease.signal.reason as Error));
      });
    });
    await turns();
    controller.abort();
    await expect(result).rejects.toMatchObject({ code: 'ABORTED' });
    expect(pool.stats()).toMatchObject({ inFlight: 0, requeued: 0, attempts: 1 });
  }
});

test('all paths of a race are told to stop when the caller calls it off', async () => {
  const pool = setUp({ policy: { race: { paths: 3, adaptive: false } } });
  const controller = new AbortController();
  const ended: unknown[] = [];
  const result = pool.run({ target, signal: controller.signal }, (lease) => {
    lease.onEnd(() => ended.push(lease.endpoint.id));
    return new Promise<never>(() => undefined);
  });
  await turns();
  expect(pool.stats().inFlight).toBe(3);
  controller.abort();
  await expect(result).rejects.toMatchObject({ code: 'ABORTED' });
  expect([ended.length, pool.stats().inFlight]).toEqual([3, 0]);
});

test('a run that is over has let go of the signal of its caller', async () => {
  const pool = setUp();
  const { signal } = new AbortController();
  let listeners = 0;
  const counted = {
    aborted: false,
    addEventListener: () => (listeners += 1),
    removeEventListener: () => (listeners -= 1),
  } as unknown as AbortSignal;
  await pool.run({ target, signal: counted }, () => 'done');
  await pool.run({ target, signal }, () => 'done');
  expect(listeners).toBe(0);
});

test.each([
  ['replaced', [503, 503, 200], ['superseded', 'superseded', 'open']],
  ['delivered for want of a better', [503, 503, 503], ['superseded', 'superseded', 'open']],
])(
  'a bad answer is let go of once another takes its place, and the last is not: it is %s',
  async (_, answers, ends) => {
    const leases: Lease[] = [];
    const { status } = await setUp().run({ target }, (lease) => {
      leases.push(lease);
      return { status: answers[leases.length - 1]!, headers: new Headers() };
    });
    expect(status).toBe(answers.at(-1));
    expect(leases.map(({ signal }) => (signal.aborted ? signal.reason.why : 'open'))).toEqual(ends);
  },
);
