import { expect, test } from 'vitest';
import { createPool } from './pool.js';

test.each([
  [{ proxys: [] }, 'UNKNOWN_OPTION', "proxys: is not an option; did you mean 'proxies'?"],
  [{ zebra: 1 }, 'UNKNOWN_OPTION', 'zebra: is not an option; known are name, proxies,'],
  [{ deadlineMs: -1 }, 'INVALID_OPTION', 'deadlineMs: must be a duration in milliseconds, not negative'],
  [{ deadlineMs: Number.NaN }, 'INVALID_OPTION', 'deadlineMs'],
  [{ maxWaiting: 0.5 }, 'INVALID_OPTION', 'maxWaiting'],
  [{ proxies: 'h:1' }, 'INVALID_OPTION', 'proxies: must be a list'],
  [{ proxies: ['h:1', 'canary:canary'] }, 'INVALID_PROXY', 'proxies[1]'],
  [{ policy: 'respectfull' }, 'UNKNOWN_PRESET', "policy.preset: is unknown; did you mean 'respectful'?"],
  [{ policy: { preset: 'rotate', retry: { maxAttempts: 0 } } }, 'INVALID_OPTION', 'policy.retry.maxAttempts'],
  [{ policy: { retries: {} } }, 'UNKNOWN_OPTION', "policy.retries: is not an option; did you mean 'retry'?"],
])('%j is refused by name', (options, code, text) => {
  const attempt = () => createPool(options as never);
  expect(attempt).toThrow(expect.objectContaining({ code }));
  expect(attempt).toThrow(text);
  expect(attempt).not.toThrow(/canary/);
});

test('an inherited option does not count', () => {
  const options = Object.create({ zebra: 1 }) as object;
  expect(() => createPool(options)).not.toThrow();
});

test('an update leaves what is said to be undefined as it is', () => {
  const pool = createPool({ proxies: ['http://a:1'], maxInFlight: 1 });
  pool.update({ maxInFlight: undefined, deadlineMs: undefined } as never);
  expect(pool.tryAcquire({ target: 'https://shop.example/' })).toBeDefined();
  expect(pool.tryAcquire({ target: 'https://shop.example/' })).toBeUndefined();
  expect(() => pool.update(null as never)).toThrow('changes: must be an object of options');
});

test('an update gives the pool another classifier, and other defaults for proxies that come after', async () => {
  const pool = createPool({ proxies: ['http://a:1'] });
  const verdictOf = async () => {
    const lease = await pool.acquire({ target: 'https://shop.example/' });
    lease.settle({ kind: 'response', status: 200, latencyMs: 1 });
    return lease.verdict;
  };
  expect(await verdictOf()).toBe('success');
  pool.update({ classify: () => 'denied', proxyDefaults: { country: 'FR' } });
  expect(await verdictOf()).toBe('denied');
  const [id] = pool.add('http://b:1');
  const lease = await pool.acquire({ target: 'https://other.example/', country: 'fr' });
  expect(lease.endpoint.id).toBe(id);
});
