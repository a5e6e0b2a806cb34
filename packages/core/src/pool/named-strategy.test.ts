import { expect, test } from 'vitest';
import { leastUsed, roundRobin, type Strategy } from '../index.js';
import { createPool } from './pool.js';

const proxies = ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'];
const target = 'https://shop.example';

/** Ranks one row alone, and notes what it is told. */
function always(row: number): Strategy & { readonly told: string[] } {
  const told: string[] = [];
  return {
    name: 'always',
    told,
    rank: (_state, _query, out) => {
      out[0] = row;
      return 1;
    },
    admitted: (_state, admitted) => void told.push(`admitted ${admitted}`),
    settled: (_state, settled) => void told.push(`settled ${settled}`),
    cleared: (cleared) => void told.push(`cleared ${cleared}`),
  };
}

test("a request is ranked by the strategy it names, another by the pool's own, and each hears of both", async () => {
  const last = always(2);
  const pool = createPool({ proxies, strategy: roundRobin(), strategies: { last, used: leastUsed() } });
  const ids = pool.stats().endpoints.map(({ id }) => id);
  for (let turn = 0; turn < 3; turn += 1) {
    using_(await pool.acquire({ target, strategy: 'last' }), ({ endpoint }) => expect(endpoint.id).toBe(ids[2]));
  }
  const own = new Set<string>();
  for (let turn = 0; turn < 3; turn += 1)
    using_(await pool.acquire({ target }), ({ endpoint }) => own.add(endpoint.id));
  expect(own.size).toBe(3);
  expect(last.told.filter((event) => event.startsWith('admitted'))).toHaveLength(6);
  expect(last.told.filter((event) => event.startsWith('settled'))).toHaveLength(6);
  // The third has been used most, by whomever.
  using_(await pool.acquire({ target, strategy: 'used' }), ({ endpoint }) => expect(endpoint.id).not.toBe(ids[2]));
  pool.remove(ids[2]!);
  expect(last.told.at(-1)).toBe('cleared 2');
  await pool.close();
});

test('a request that its strategy has nobody for closes the target for nobody else', async () => {
  const nobody: Strategy = { name: 'nobody', rank: () => 0 };
  const pool = createPool({ proxies, strategies: { nobody } });
  expect(pool.tryAcquire({ target, strategy: 'nobody' })).toBeUndefined();
  const lease = pool.tryAcquire({ target });
  expect(lease).toBeDefined();
  lease?.[Symbol.dispose]();
  await pool.close();
});

test.each([
  ["a name that is nobody's", 'cheep', "did you mean 'cheap'?"],
  ['what every object has', 'constructor', 'request.strategy'],
  ['a strategy itself', roundRobin(), 'request.strategy'],
])('%s is refused', async (_, strategy, words) => {
  const pool = createPool({ proxies, strategies: { cheap: roundRobin() } });
  expect(() => pool.begin({ target, strategy: strategy as string })).toThrow(words);
  expect(() => createPool({ strategies: { cheap: {} as Strategy } })).toThrow('strategies.cheap');
  expect(() => pool.update({ strategies: {} } as object)).toThrow('strategies');
  await pool.close();
});

function using_<T extends Disposable>(resource: T, work: (resource: T) => void): void {
  try {
    work(resource);
  } finally {
    resource[Symbol.dispose]();
  }
}
