// What must not compile: each line below an expected error is one, or the type check of the tests fails.
import { expect, test } from 'vitest';
import {
  createPool,
  PRESETS,
  SEED_DEFAULTS,
  SessionMap,
  type Decision,
  type EndpointId,
  type Lease,
  type LeaseRequest,
  type Outcome,
  type Policy,
  type PoolOptions,
  type PoolStats,
  type Run,
  type TargetRule,
} from './index.js';

/** Never called: it is there for the compiler. */
export function mustNotCompile(lease: Lease, run: Run, stats: PoolStats, decision: Decision): void {
  // @ts-expect-error an endpoint's id is not any text
  const id: EndpointId = 'http://a:1';
  // @ts-expect-error an option that does not exist
  createPool({ proxys: [] });
  // @ts-expect-error a preset that does not exist
  createPool({ policy: 'respectfull' });
  // @ts-expect-error a number where a duration in milliseconds is meant
  createPool({ deadlineMs: '60s' });
  // @ts-expect-error a rule without a pattern
  const rule: TargetRule = { minIntervalMs: 5 };
  // @ts-expect-error how endpoints rest holds for the whole pool, and for no single target
  const rest: TargetRule = { match: 'a.example', cooldown: 'surprise' };
  // @ts-expect-error a request without a target
  const request: LeaseRequest = { method: 'GET' };
  // @ts-expect-error store and clock need a new pool
  createPool().update({ clock: { now: () => 0 } });
  // @ts-expect-error an outcome says what was seen, and not whose fault it was
  const outcome: Outcome = { kind: 'response', status: 200, latencyMs: 1, verdict: 'success' };
  // @ts-expect-error a failure has to say whether anything was sent
  lease.settle({ kind: 'failure', phase: 'tunnel', code: 'X', elapsedMs: 1 });
  // @ts-expect-error a phase that does not exist
  lease.settle({ kind: 'failure', phase: 'nowhere', code: 'X', elapsedMs: 1, sent: 'maybe' });
  // @ts-expect-error what was granted is not changed by its holder
  lease.endpoint = undefined as never;
  // @ts-expect-error tables of presets are frozen
  PRESETS.rotate.retry.maxAttempts = 5;
  // @ts-expect-error so are the systems' own
  SEED_DEFAULTS.throughput.maxInFlight = 5;
  // @ts-expect-error a picture of the pool is no handle on it
  stats.endpoints.push(stats.endpoints[0]!);
  // @ts-expect-error nobody is told of what does not happen
  createPool().on('setled', () => undefined);
  // @ts-expect-error a listener gets the event's own payload
  createPool().on('cooldown', ({ verdict }) => verdict);
  // @ts-expect-error what a run was asked is not changed under way
  run.request.target = 'b.example';
  // @ts-expect-error only giving up has an error
  const error: unknown = decision.error;
  // @ts-expect-error a session keeps what the map is of
  new SessionMap<number>().bind('s', 'exit');
  // @ts-expect-error policies are plain data and complete
  const policy: Policy = { preset: 'rotate' };
  // @ts-expect-error a pool that was not made by createPool has no inside
  const options: PoolOptions = { store: { name: 'x' } };
  void [id, rule, rest, request, outcome, error, policy, options];
}

test('what must not compile does not: the type check of the tests reads this file', () => {
  expect(mustNotCompile).toBeTypeOf('function');
});
