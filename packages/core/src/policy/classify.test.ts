import { expect, test } from 'vitest';
import type { Outcome, Verdict } from '../outcome.js';
import { classify } from './classify.js';

const response = (status: number, via: 'tunnel' | 'absolute' = 'tunnel'): Outcome => ({
  kind: 'response',
  status,
  latencyMs: 1,
  via,
});

test.each<[number, Verdict]>([
  [200, 'success'],
  [204, 'success'],
  [301, 'final'],
  [304, 'final'],
  [404, 'final'],
  [403, 'denied'],
  [429, 'throttled'],
  [407, 'final'],
  [500, 'target-fault'],
  [503, 'target-fault'],
])('a %i through a tunnel is the target speaking: %s', (status, verdict) => {
  expect(classify(response(status))).toBe(verdict);
});

test.each<[number, Verdict]>([
  [407, 'endpoint-fault'],
  [502, 'unclear'],
  [503, 'unclear'],
  [504, 'unclear'],
  [500, 'target-fault'],
])('a %i without a tunnel may be the proxy speaking: %s', (status, verdict) => {
  expect(classify(response(status, 'absolute'))).toBe(verdict);
});

test('a failure is blamed on whom the dialer named, and on nobody alone when it could not tell', () => {
  const failure = { kind: 'failure', phase: 'tunnel', code: 'X', elapsedMs: 1, sent: 'nothing' } as const;
  const verdicts = (['endpoint', 'target', 'caller', 'unclear'] as const).map((fault) =>
    classify({ ...failure, fault }),
  );
  expect(verdicts).toEqual(['endpoint-fault', 'target-fault', 'abandoned', 'unclear']);
  expect(classify(failure)).toBe('unclear');
});

test('what was abandoned blames nobody', () => {
  expect(classify({ kind: 'abandoned', elapsedMs: 1 })).toBe('abandoned');
});
