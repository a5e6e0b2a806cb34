import { expect, test } from 'vitest';
import { parseProxyStatus } from './proxy-status.js';

test.each([
  ['lab; error=connection_refused', 'connection_refused', 'target'],
  ['"a proxy"; error=dns_error; details="no such host"', 'dns_error', 'target'],
  ['lab;error=proxy_internal_error', 'proxy_internal_error', 'endpoint'],
  ['near, far; error=connection_timeout', 'connection_timeout', 'unclear'],
] as const)('%s is read', (header, error, fault) => {
  expect(parseProxyStatus(header)).toEqual({ error, fault });
});

test('of several the one nearest the target counts', () => {
  const header = ['origin-side; error=connection_refused', 'near-us; error=proxy_internal_error'];
  expect(parseProxyStatus(header)?.error).toBe('connection_refused');
});

test('a quoted string is not read as a parameter', () => {
  expect(parseProxyStatus('lab; details="; error=dns_error"')).toBeUndefined();
  expect(parseProxyStatus('lab; details="\\"; error=dns_error"; error=connection_refused')?.error).toBe(
    'connection_refused',
  );
});

test('only registered errors are repeated: another text may be our own credentials', () => {
  expect(parseProxyStatus('lab; error=dXNlcjpwYXNz')).toBeUndefined();
  expect(parseProxyStatus(undefined)).toBeUndefined();
});

test('a hostile header is read in one pass', () => {
  expect(parseProxyStatus(`"${'\\'.repeat(1_000_000)}`)).toBeUndefined();
});
