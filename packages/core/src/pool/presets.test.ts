import { expect, test } from 'vitest';
import type { FailureOutcome, Outcome } from '../outcome.js';
import { resolvePolicy } from '../policy/policy-options.js';
import { PRESETS, SEED_DEFAULTS, type PresetName } from '../policy/presets.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import type { Lease } from './lease.js';
import type { LocalPoolOptions } from './options.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';
const answer = (status: number, headers: Record<string, string> = {}): Outcome => ({
  kind: 'response',
  status,
  latencyMs: 20,
  headers: { get: (name) => headers[name] },
});
const dead: FailureOutcome = {
  kind: 'failure',
  phase: 'proxy-connect',
  code: 'PROXY_CONNECT',
  elapsedMs: 10,
  sent: 'nothing',
  fault: 'endpoint',
};

/** A pool in which each endpoint is called by a letter. */
function setUp(options: LocalPoolOptions, names = ['a', 'b', 'c', 'd', 'e', 'f']) {
  const clock = manualClock();
  const pool = createPool({
    proxies: names.map((name) => `http://${name}:1`),
    clock,
    random: seededRandom(3),
    ...options,
  });
  const idOf = (name: string) => pool.stats().endpoints.find(({ id }) => id === `http://${name}:1`)!.id;
  const standingOf = (name: string) => pool.stats().endpoints.find(({ id }) => id === `http://${name}:1`)!.standing;
  const use = async (outcome: Outcome, request: object = {}): Promise<Lease> => {
    const lease = await pool.acquire({ target, ...request });
    lease.settle(outcome);
    return lease;
  };
  /** Time passes until the lease is there: a target that seems down is probed, and no more. */
  const granted = async (next: Promise<Lease>): Promise<Lease> => {
    for (let turn = 0; turn < 100; turn += 1) {
      for (let tick = 0; tick < 5; tick += 1) await undefined;
      if (pool.stats().waiting === 0) break;
      clock.advance(500);
    }
    return next;
  };
  /** One request to its end: what was decided after each of these outcomes, and through whom it went. */
  const request = async (outcomes: readonly Outcome[], terms: object = {}) => {
    const run = pool.begin({ target, ...terms });
    const kinds: string[] = [];
    for (const outcome of outcomes) {
      kinds.push(run.report(await granted(run.next()), outcome).kind);
      if (kinds.at(-1) !== 'reroute' && kinds.at(-1) !== 'replay') break;
    }
    return { kinds, tried: [...run.tried] };
  };
  return { clock, pool, idOf, standingOf, use, request };
}

test('no table of a preset can be changed', () => {
  for (const preset of Object.values(PRESETS)) {
    expect(Object.isFrozen(preset) && Object.isFrozen(preset.verdicts.throttled)).toBe(true);
  }
  for (const options of Object.values(SEED_DEFAULTS)) {
    expect(Object.isFrozen(options) && Object.isFrozen(options.policy)).toBe(true);
  }
});

test('a preset is its system with its own numbers, but for what is named here', () => {
  const differs = (name: PresetName & keyof typeof SEED_DEFAULTS) => {
    const system = resolvePolicy(SEED_DEFAULTS[name].policy);
    return Object.keys(system).filter((key) => {
      const [one, other] = [system[key as 'retry'], PRESETS[name][key as 'retry']];
      return JSON.stringify(one) !== JSON.stringify(other);
    });
  };
  // The pace is learned where the system keeps a fixed one, and an endpoint rests when its failures are improbable.
  expect(differs('rotate')).toEqual(['cooldown', 'minIntervalMs']);
  expect([differs('throughput'), differs('sticky'), differs('relay')]).toEqual([[], [], []]);
});

test("each system's own numbers", () => {
  const { rotate, throughput, sticky, relay } = SEED_DEFAULTS;
  expect(resolvePolicy(rotate.policy)).toMatchObject({
    retry: { maxAttempts: 4 },
    cooldown: { failures: 5, baseMs: 120_000, maxMs: 120_000 },
    minIntervalMs: 1000,
    maxWaitMs: 30_000,
  });
  expect(throughput).toMatchObject({ maxInFlight: 100, maxWaiting: 1000 });
  expect(resolvePolicy(throughput.policy)).toMatchObject({
    minIntervalMs: 500,
    attemptTimeoutMs: 8000,
    race: { paths: 3, adaptive: true },
    cooldown: { failures: 3, baseMs: 30_000, growth: 2, maxMs: 300_000 },
    evictAfter: 30,
  });
  expect(resolvePolicy(sticky.policy)).toMatchObject({
    session: { keep: 'ttl', ttlMs: 300_000, per: 'target', always: true },
    cooldown: { failures: 5, baseMs: 30_000, growth: 1 },
    unreported: 'failure',
  });
  expect(resolvePolicy(relay.policy)).toMatchObject({
    retry: { maxAttempts: 3 },
    cooldown: { failures: 1, baseMs: 30_000, growth: 1 },
    attemptTimeoutMs: Number.POSITIVE_INFINITY,
  });
});

test('rotate: a 429 bars the pair and goes on elsewhere, three retries and no more; other targets are untouched', async () => {
  const { pool, request } = setUp({ policy: 'rotate' });
  const { kinds, tried } = await request([answer(429), answer(403), answer(429), answer(429), answer(200)]);
  expect(kinds).toEqual(['replay', 'replay', 'replay', 'done']);
  expect(new Set(tried).size).toBe(4);
  const whyOf = (where: string) =>
    new Map(pool.explain({ target: where }).endpoints.map(({ id, why }) => [id as string, why]));
  for (const id of tried)
    expect([whyOf(target).get(id), whyOf('https://other.example').get(id)]).toEqual(['blocked', 'ok']);
  expect(pool.stats().targets[0]).toMatchObject({ succeeded: 0, attempts: 4 });
});

test('rotate with the numbers of its system: quarantine after five failures in a row, for two minutes; a success begins anew', async () => {
  const { clock, use, standingOf, idOf } = setUp(SEED_DEFAULTS.rotate);
  const endpoint = idOf('a');
  const turn = async (outcome: Outcome) => {
    clock.advance(1000);
    await use(outcome, { endpoint });
  };
  await turn(answer(200));
  for (let failure = 0; failure < 4; failure += 1) await turn(dead);
  await turn(answer(200));
  for (let failure = 0; failure < 4; failure += 1) await turn(dead);
  expect(standingOf('a')).toBe('active');
  await turn(dead);
  expect(standingOf('a')).toBe('cooling');
  clock.advance(119_000);
  await use(answer(200), { exclude: [endpoint] });
  expect(standingOf('a')).toBe('cooling');
  clock.advance(1000);
  // Their release left the counter as it was, and the next failure was the sixth.
  await turn(answer(200));
  for (let failure = 0; failure < 4; failure += 1) await turn(dead);
  expect(standingOf('a')).toBe('active');
});

test('rotate with the numbers of its system: one request at a time for each proxy, one a second for each pair, thirty seconds in line', async () => {
  const { clock, pool } = setUp(SEED_DEFAULTS.rotate, ['a']);
  const first = await pool.acquire({ target });
  let heard: unknown;
  pool.acquire({ target: 'https://other.example' }).catch((error: { code: string }) => (heard = error.code));
  clock.advance(29_999);
  for (let turn = 0; turn < 5; turn += 1) await undefined;
  expect(heard).toBeUndefined();
  clock.advance(1);
  for (let turn = 0; turn < 5; turn += 1) await undefined;
  expect(heard).toBe('QUEUE_TIMEOUT');
  first.settle(answer(200));
  (await pool.acquire({ target })).settle(answer(200));
  expect(pool.tryAcquire({ target })).toBeUndefined();
  clock.advance(1000);
  expect(pool.tryAcquire({ target })).toBeDefined();
});

test('rotate: a paced endpoint is passed over while its peers idle', async () => {
  const { pool } = setUp(SEED_DEFAULTS.rotate);
  const exits = new Set<string>();
  for (let turn = 0; turn < 6; turn += 1) {
    const lease = pool.tryAcquire({ target })!;
    lease.settle(answer(200));
    exits.add(lease.endpoint.id);
  }
  expect(exits.size).toBe(6);
});

test('throughput: answers that stand end a request at once, others are tried on until the deadline, never twice through one endpoint', async () => {
  for (const status of [404, 304, 204, 301]) {
    const { pool, request } = setUp({ policy: 'throughput' });
    expect((await request([answer(status), answer(200)], { method: 'HEAD' })).kinds).toEqual(['done']);
    expect(pool.stats()).toMatchObject({ succeeded: 1, attempts: 1, endpoints: expect.anything() });
  }
  const { request } = setUp({ policy: 'throughput' });
  const { kinds, tried } = await request(Array.from({ length: 20 }, () => answer(503)));
  expect([kinds.length, new Set(tried).size, kinds.at(-1)]).toEqual([6, 6, 'done']);
});

test('throughput: three failures in a row rest an endpoint for half a minute, then twice as long, up to five minutes', async () => {
  const { clock, pool, use, idOf } = setUp({ policy: 'throughput' }, ['a', 'b']);
  const rests: number[] = [];
  pool.on('cooldown', ({ endpoint, forMs }) => {
    if (endpoint === idOf('a')) rests.push(forMs);
  });
  for (let failure = 0; failure < 3; failure += 1) {
    clock.advance(500);
    await use(dead, { endpoint: idOf('a') });
  }
  for (let spell = 0; spell < 5; spell += 1) {
    clock.advance(rests.at(-1)!);
    await use(dead, { endpoint: idOf('a') });
  }
  expect(rests).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
});

test('throughput: an endpoint with nothing but failures in thirty attempts is put away, and can come back', async () => {
  const { clock, pool, use, idOf, standingOf } = setUp({ policy: 'throughput' }, ['a', 'b']);
  const told: string[] = [];
  pool.on('evicted', ({ endpoint }) => told.push(endpoint));
  for (let attempt = 0; attempt < 29; attempt += 1) {
    clock.advance(300_000);
    await use(dead, { endpoint: idOf('a') });
  }
  expect(told).toEqual([]);
  clock.advance(300_000);
  await use(dead, { endpoint: idOf('a') });
  expect([told, standingOf('a'), pool.stats().proxies.dead]).toEqual([[idOf('a')], 'held', 1]);
  pool.resume(idOf('a'));
  clock.advance(500);
  await use(answer(200), { endpoint: idOf('a') });
  expect(standingOf('a')).toBe('active');
});

test('throughput: an attempt is given eight seconds, a pair half a second', async () => {
  const { clock, pool } = setUp({ policy: 'throughput' }, ['a']);
  const lease = await pool.acquire({ target });
  const { signal } = lease;
  clock.advance(7999);
  expect(signal.aborted).toBe(false);
  clock.advance(1);
  expect(signal.aborted).toBe(true);
  lease.settle({ kind: 'abandoned', elapsedMs: 8000 });
  expect(pool.explain({ target }).paceMs).toBe(500);
});

test('sticky: one exit for each target, for five minutes from its first use; then any', async () => {
  const { clock, pool, use } = setUp({ policy: 'sticky' });
  const first = (await use(answer(200))).endpoint.id;
  await use(answer(200), { target: 'https://other.example' });
  expect(pool.stats().activeSessions).toBe(2);
  for (let minute = 0; minute < 4; minute += 1) {
    clock.advance(60_000);
    expect((await use(answer(200))).endpoint.id).toBe(first);
  }
  // A busy exit is waited for rather than left.
  const places = Array.from({ length: 4 }, () => pool.tryAcquire({ target }));
  expect(new Set(places.map((lease) => lease?.endpoint.id))).toEqual(new Set([first]));
  expect(pool.tryAcquire({ target })).toBeUndefined();
  for (const lease of places) lease!.settle(answer(200));
  clock.advance(60_000);
  expect(pool.sessions.purgeExpired()).toBe(2);
  const changes: unknown[] = [];
  pool.on('identity-changed', (change) => changes.push(change));
  pool.hold(first);
  expect((await use(answer(200))).endpoint.id).not.toBe(first);
  expect(changes).toEqual([]);
});

test('sticky: first uses that come together share one exit, and a late failure does not end a newer binding', async () => {
  const { pool } = setUp({ policy: 'sticky' });
  const [one, two] = await Promise.all(
    [pool.acquire({ target }), pool.acquire({ target: `${target}other` })].map(async (lease) => {
      const granted = await lease;
      granted.settle(answer(200));
      return granted;
    }),
  );
  expect(one!.endpoint.id).toBe(two!.endpoint.id);
  const late = await pool.acquire({ target });
  const early = await pool.acquire({ target });
  early.settle(dead);
  pool.hold(early.endpoint.id);
  const next = await pool.acquire({ target });
  expect(next.endpoint.id).not.toBe(early.endpoint.id);
  next.settle(answer(200));
  late.settle(dead);
  const last = await pool.acquire({ target });
  expect(last.endpoint.id).toBe(next.endpoint.id);
});

test('sticky: five failures open the breaker of an endpoint for half a minute; it lets exactly one through; a success closes it', async () => {
  const { clock, pool, use, idOf, standingOf } = setUp({ policy: 'sticky' }, ['a', 'b']);
  const at = (n: number) => ({ endpoint: idOf('a'), target: `https://t${n}.example` });
  await use(answer(200), at(0));
  for (let failure = 1; failure <= 4; failure += 1) await use(dead, at(failure));
  // Theirs counted failures in all: a success between them changed nothing.
  await use(answer(200), at(5));
  for (let failure = 6; failure <= 9; failure += 1) await use(dead, at(failure));
  expect(standingOf('a')).toBe('active');
  await use(dead, at(10));
  expect(standingOf('a')).toBe('cooling');
  clock.advance(30_000);
  await use(answer(200), { endpoint: idOf('b'), target: 'https://b.example' });
  const probe = pool.tryAcquire(at(11))!;
  expect(pool.tryAcquire(at(12))).toBeUndefined();
  probe.settle(answer(200));
  expect(standingOf('a')).toBe('active');
});

test('sticky: a lease that nobody reports counts against its endpoint, one that its caller called off against nobody', async () => {
  const { clock, pool } = setUp({ policy: 'sticky' });
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  (await pool.acquire({ target }))[Symbol.dispose]();
  (await pool.acquire({ target })).settle({ kind: 'abandoned', elapsedMs: 1 });
  await pool.acquire({ target });
  clock.advance(60_000);
  expect(verdicts).toEqual(['endpoint-fault', 'abandoned', 'endpoint-fault']);
  const open = await pool.acquire({ target });
  const { signal } = open;
  await pool.close();
  expect(signal.aborted).toBe(true);
  clock.advance(1001);
  expect(verdicts.at(-1)).toBe('abandoned');
  expect(pool.stats().inFlight).toBe(0);
});

test('relay: statuses pass and cost nobody anything', async () => {
  const { pool, request } = setUp({ policy: 'relay' });
  for (const status of [200, 404, 429, 403, 500, 503])
    expect((await request([answer(status)])).kinds).toEqual(['done']);
  expect(pool.stats().proxies).toMatchObject({ total: 6, healthy: 6 });
  expect(pool.explain({ target }).endpoints.every(({ why }) => why === 'ok')).toBe(true);
});

test('relay: an endpoint is offline at its first failure and asked again after half a minute', async () => {
  const { clock, pool, use, idOf, standingOf, request } = setUp({ policy: 'relay' }, ['a', 'b', 'c']);
  await use(answer(200), { endpoint: idOf('a') });
  const { kinds, tried } = await request([dead, answer(200)], { avoid: [idOf('b'), idOf('c')] });
  expect([kinds, tried[0]]).toEqual([['reroute', 'done'], idOf('a')]);
  expect(standingOf('a')).toBe('cooling');
  for (let turn = 0; turn < 10; turn += 1) {
    clock.advance(2999);
    expect((await use(answer(200))).endpoint.id).not.toBe(idOf('a'));
  }
  clock.advance(30);
  await use(answer(200), { endpoint: idOf('a') });
  expect(standingOf('a')).toBe('active');
  expect(pool.stats().inFlight).toBe(0);
});

test('relay: a client that goes away in the middle leaves its endpoint up, and nothing follows the first byte', async () => {
  const { pool, use, standingOf, idOf } = setUp({ policy: 'relay' }, ['a', 'b']);
  await use(answer(200), { endpoint: idOf('a') });
  await use({ kind: 'abandoned', elapsedMs: 50 }, { endpoint: idOf('a') });
  expect(standingOf('a')).toBe('active');
  const run = pool.begin({ target });
  const lease = await run.next();
  run.delivered();
  const cut = { ...dead, phase: 'body', code: 'ECONNRESET', sent: 'maybe', fault: 'unclear' } as const;
  expect(run.mayRepeat(cut)).toBe(false);
  lease.settle(cut);
  expect(run.report(lease, cut)).toEqual({ kind: 'done' });
});

test('relay: at most three tries of what may have been sent, none of what must not be sent twice', async () => {
  const cut: Outcome = { ...dead, phase: 'response', code: 'ECONNRESET', sent: 'maybe', fault: 'unclear' };
  const many = Array.from({ length: 6 }, () => cut);
  expect((await setUp({ policy: 'relay' }).request(many)).kinds).toEqual(['replay', 'replay', 'done']);
  expect((await setUp({ policy: 'relay' }).request(many, { method: 'POST' })).kinds).toEqual(['done']);
});
