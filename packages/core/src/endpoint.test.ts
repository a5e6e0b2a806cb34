import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { toEndpoint } from './endpoint.js';

test('the user name is part of identity, and does not show in it', () => {
  const id = (url: string) => toEndpoint(url, 'proxies[0]').id;
  expect(id('http://canary-a:x@h:1')).not.toBe(id('http://canary-b:x@h:1'));
  expect(id('http://canary-a:x@h:1')).toBe(id('http://canary-a:changed@h:1'));
  expect(id('http://canary-a:x@h:1')).toMatch(/^http:\/\/h:1#[0-9a-f]{12}$/);
});

test('credentials given apart from the URL are taken as they are', () => {
  const { url } = toEndpoint({ url: 'h:1', username: 'a%40', password: '' }, 'proxies[0]');
  expect(url.credentials()).toEqual({ username: 'a%40', password: '' });
});

test('what is not given apart from the URL is taken from there', () => {
  const credentials = (options: object) =>
    toEndpoint({ url: 'http://u:p@h:1', ...options }, 'proxies[0]').url.credentials();
  expect(credentials({ username: 'v' })).toEqual({ username: 'v', password: 'p' });
  expect(credentials({ password: 'q' })).toEqual({ username: 'u', password: 'q' });
  expect(credentials({ username: 'v', password: '' })).toEqual({ username: 'v', password: '' });
});

test.each([
  [{ url: 'h:1', wieght: 2 }, 'UNKNOWN_OPTION', "proxies[2].wieght: is not an option; did you mean 'weight'?"],
  [{ url: 'h:1', weight: -1 }, 'INVALID_OPTION', 'proxies[2].weight'],
  [{ url: 'h:1', weight: 1e308 }, 'INVALID_OPTION', 'proxies[2].weight: must be 0, or a number from 1e-9 to 1e9'],
  [{ url: 'h:1', weight: 1e-300 }, 'INVALID_OPTION', 'proxies[2].weight: must be 0, or a number from 1e-9 to 1e9'],
  [{ url: 'h:1', tier: 32 }, 'INVALID_OPTION', 'proxies[2].tier: must be a whole number from 0 to 31'],
  [{ url: 'h:1', tier: 1.5 }, 'INVALID_OPTION', 'proxies[2].tier'],
  [{ url: 'h:1', maxInFlight: 0 }, 'INVALID_OPTION', 'proxies[2].maxInFlight'],
  [{ url: 'h:1', tags: 'eu' }, 'INVALID_OPTION', 'proxies[2].tags'],
  [{ username: 'canary' }, 'INVALID_PROXY', 'proxies[2]'],
])('%j is refused', (input, code, text) => {
  const attempt = () => toEndpoint(input as never, 'proxies[2]');
  expect(attempt).toThrow(expect.objectContaining({ code }));
  expect(attempt).toThrow(text);
  expect(attempt).not.toThrow(/canary/);
});

test('an endpoint inspected deeply shows no credential', () => {
  expect(inspect(toEndpoint('http://canary:canary@h:1', 'x'), { depth: 10, showHidden: true })).not.toMatch(/canary/);
});
