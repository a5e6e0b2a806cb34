import { expect, test } from 'vitest';
import type { Outcome, Verdict } from '../outcome.js';
import { classify } from './classify.js';

const response = (status: number, via: 'tunnel' | 'absolute' = 'tunnel', proxyStatus?: string): Outcome => ({
  kind: 'response',
  status,
  latencyMs: 1,
  via,
  headers: { get: (name) => (name === 'proxy-status' ? proxyStatus : undefined) },
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
  [403, 'unclear'],
  [429, 'unclear'],
  [500, 'unclear'],
  [502, 'unclear'],
  [503, 'unclear'],
  [504, 'unclear'],
  [501, 'target-fault'],
  [404, 'final'],
  [200, 'success'],
])('a %i without a tunnel may be the proxy speaking: %s', (status, verdict) => {
  expect(classify(response(status, 'absolute'))).toBe(verdict);
});

test.each<[number, string, Verdict]>([
  [502, 'lab; error=connection_refused', 'target-fault'],
  [403, 'lab; error=http_request_denied', 'endpoint-fault'],
  [500, 'lab; error=proxy_internal_error', 'endpoint-fault'],
  [504, 'lab; error=connection_timeout', 'unclear'],
  [403, 'lab; received-status=403', 'unclear'],
  [200, 'lab; error=connection_refused', 'success'],
])('without a tunnel a %i with Proxy-Status is as that says: %s', (status, proxyStatus, verdict) => {
  expect(classify(response(status, 'absolute', proxyStatus))).toBe(verdict);
});

test('through a tunnel Proxy-Status is of the target and those before it', () => {
  expect(classify(response(502, 'tunnel', 'lab; error=proxy_internal_error'))).toBe('target-fault');
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
