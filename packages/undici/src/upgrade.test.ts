import { once } from 'node:events';
import { createPool } from '@fairlead/core';
import { manualClock } from '@fairlead/core/testing';
import { startHttpProxy, startTarget } from '@fairlead/lab';
import { request, WebSocket } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { poolDispatcher } from './index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

/** A WebSocket through a pool that knows how soon its proxy answers. */
async function connected() {
  const [target, proxy, clock] = [await startTarget(), await startHttpProxy(), manualClock()];
  const pool = createPool({ proxies: [proxy.url], clock, leaseIdleMs: 60_000 });
  open.push(target, proxy, pool);
  const dispatcher = poolDispatcher(pool);
  for (let turn = 0; turn < 60; turn += 1)
    await (await request(`${target.url}/status/200`, { dispatcher })).body.dump();
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  const socket = new WebSocket(`${target.url.replace('http', 'ws')}/ws`, { dispatcher });
  await once(socket, 'open');
  const echo = async (text: string): Promise<void> => {
    socket.send(text);
    await once(socket, 'message');
  };
  return { pool, clock, verdicts, socket, echo };
}

test('an upgrade holds its proxy for as long as bytes move', async () => {
  const { pool, clock, verdicts, socket, echo } = await connected();
  for (let turn = 0; turn < 10; turn += 1) {
    clock.advance(30_000);
    await echo('still here');
  }
  expect([verdicts, pool.stats().inFlight]).toEqual([[], 1]);
  socket.close();
  while (verdicts.length === 0) await new Promise(setImmediate);
  expect([verdicts, pool.stats().inFlight]).toEqual([['final'], 0]);
});

test('one that is still for long gives its place back, blames nobody, and lives on', async () => {
  const { pool, clock, verdicts, socket, echo } = await connected();
  clock.advance(61_000);
  expect([verdicts, pool.stats().inFlight]).toEqual([['abandoned'], 0]);
  await echo('still here');
  socket.close();
  await once(socket, 'close');
  expect(verdicts).toEqual(['abandoned']);
});
