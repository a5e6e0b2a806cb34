import { dial } from '@fairlead/dial';
import { expect, test } from 'vitest';
import type { Client } from './clients.js';
import { runCase, type FaultCase } from './fault-case.js';
import { labCases } from './lab-cases.js';

const aborted = labCases().find(
  ({ name, client }) => name === 'http abort in silent-after-request' && client === 'got',
)!;

/** A client whose requests end when they are aborted, and whose dials do not. */
const leaky: Parameters<typeof runCase>[1] = (...[, endpoint, { signal, timeoutMs }]) => {
  const leaving = new AbortController();
  const client: Client = {
    inBody: new WeakSet(),
    get: () =>
      new Promise((...[, reject]) => {
        signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
        const options = { timeoutMs: timeoutMs ?? 0, host: 'x.test', port: 443, signal: leaving.signal };
        dial(endpoint, options).catch(() => {});
      }),
    close: async () => leaving.abort(),
  };
  return client;
};

test('a dial that outlives its request is a socket left, though the client is closed in the end', async () => {
  expect(await runCase(aborted, leaky)).toMatchObject({ unsettled: false, socketsLeft: 1 });
});

test('a case that expects another is misattributed', async () => {
  const wrong: FaultCase = { ...aborted, expected: { code: 'ABORTED', phase: 'tunnel', fault: 'target' } };
  expect(await runCase(wrong)).toMatchObject({ misattributed: true, socketsLeft: 0 });
});
