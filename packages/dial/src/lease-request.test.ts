import { toEndpoint, type PoolRequest } from '@fairlead/core';
import { expect, test } from 'vitest';
import { leaseRequestOf } from './lease-request.js';

const { id } = toEndpoint('http://proxy.example:1', 'the test');
const { signal } = new AbortController();
const said = { target: 'https://shop.example/', method: 'GET', signal, tried: undefined, isOnce: false };

test("the caller's terms are the request's, but for what the request itself says", () => {
  const asked = { session: 's', maxAttempts: 2, target: 'https://other.example/', method: 'PUT' } as PoolRequest;
  expect(leaseRequestOf(asked, said)).toEqual({
    session: 's',
    maxAttempts: 2,
    target: 'https://shop.example/',
    method: 'GET',
    signal,
  });
  for (const nothing of [undefined, false] as const)
    expect(leaseRequestOf(nothing, said)).toEqual({ target: said.target, method: 'GET', signal });
});

test('whom earlier tries failed with is left alone, and a body that can be read once is sent once', () => {
  const asked = { idempotent: true, avoid: [] };
  expect(leaseRequestOf(asked, { ...said, tried: [id], isOnce: true })).toMatchObject({
    avoid: [id],
    idempotent: false,
  });
  expect(leaseRequestOf(asked, { ...said, tried: [] })).toMatchObject({ avoid: [], idempotent: true });
});

test('what asks for a prototype is still there to be refused', () => {
  const asked = JSON.parse('{"__proto__": {"session": "x"}}') as PoolRequest;
  expect(Object.keys(leaseRequestOf(asked, said))).toContain('__proto__');
});
