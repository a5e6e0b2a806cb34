import { expect, onTestFinished, test } from 'vitest';
import type { Outcome } from '../outcome.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';

/** Says `value` for every object there is, as a merge of hostile JSON does, until the test is over. */
function pollute(key: string, value: unknown): void {
  const ancestor = Object.getPrototypeOf({}) as object;
  Object.defineProperty(ancestor, key, { value, configurable: true, writable: true, enumerable: false });
  onTestFinished(() => void Reflect.deleteProperty(ancestor, key));
}

function setUp() {
  return createPool({ proxies: ['http://a:1', 'http://b:1'], clock: manualClock(), random: seededRandom(1) });
}

test.each<[string, unknown]>([
  ['fault', 'endpoint'],
  ['headers', 'x'],
  ['headers', { get: () => '120' }],
  ['via', 'absolute'],
  ['opaque', true],
  ['bodyPrefix', 7],
  ['handshakeMs', Number.NaN],
  ['strategy', 'none'],
  ['strategies', 7],
  ['capacity', -1],
  ['maxTargets', 0],
  ['constants', { priorStrength: Number.NaN }],
  ['cooldown', { kind: 'nowhere' }],
  ['onEffect', 'x'],
  ['tags', ['x']],
  ['session', 'x'],
  ['endpoint', 'x'],
  ['deadlineMs', -1],
])('what all objects were made to say of `%s` is neither an option nor an outcome', async (key, value) => {
  pollute(key, value);
  const pool = setUp();
  const unclear: Outcome = { kind: 'failure', phase: 'response', code: 'X', elapsedMs: 5, sent: 'maybe' };
  const lease = await pool.acquire({ target });
  lease.settle(unclear);
  expect(lease.verdict).toBe('unclear');
  const second = pool.tryAcquire({ target })!;
  second.settle({ kind: 'response', status: 429, latencyMs: 5 });
  expect(second.verdict).toBe('throttled');
  const third = pool.tryAcquire({ target: 'https://other.example/' })!;
  third.settle({ kind: 'response', status: 200, latencyMs: 5 });
  expect(third.verdict).toBe('success');
  await pool.close();
});

test('an outcome that says nothing of its own is refused', async () => {
  pollute('kind', 'abandoned');
  const lease = await setUp().acquire({ target });
  expect(() => lease.settle({} as never)).toThrow(expect.objectContaining({ code: 'INVALID_OUTCOME' }));
});

test('what is settled stays as it was told', async () => {
  const lease = await setUp().acquire({ target });
  const outcome = { kind: 'response' as const, status: 200, latencyMs: 5 };
  lease.settle(outcome);
  outcome.status = 500;
  expect(lease.outcome).toMatchObject({ status: 200 });
});
