import type { ServerResponse } from 'node:http';
import { createPool } from '@fairlead/core';
import { startHttpProxy, startTarget, type Routes } from '@fairlead/lab';
import type { Dispatcher } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { poolDispatcher } from './index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

/** Waits until two requests are there, and answers the one that came first. */
function firstOfTwo(): Routes {
  const waiting: ServerResponse[] = [];
  return {
    both: ({ response }) => {
      waiting.push(response);
      if (waiting.length === 2) waiting[0]!.writeHead(200, { 'x-winner': 'yes' }).end(Buffer.alloc(5_000_000));
    },
  };
}

test('of two that race the caller holds back the one whose answer it has, and not the one that started last', async () => {
  const target = await startTarget({ routes: firstOfTwo() });
  const proxies = await Promise.all([startHttpProxy(), startHttpProxy()]);
  const pool = createPool({
    proxies: proxies.map(({ url }) => url),
    policy: { preset: 'rotate', race: { paths: 2, adaptive: false } },
  });
  open.push(target, ...proxies, pool);
  const dispatcher = poolDispatcher(pool);
  let size = 0;
  let atHead: (controller: Dispatcher.DispatchController) => void;
  const headed = new Promise<Dispatcher.DispatchController>((resolve) => (atHead = resolve));
  const ended = new Promise<void>((resolve, reject) => {
    dispatcher.dispatch(
      { origin: target.url, path: '/both', method: 'GET' },
      {
        onRequestStart: () => undefined,
        onResponseStart: (controller, _status, headers) => {
          expect(headers['x-winner']).toBe('yes');
          controller.pause();
          atHead(controller);
        },
        onResponseData: (_, chunk) => void (size += chunk.length),
        onResponseEnd: () => resolve(),
        onResponseError: (_, error) => reject(error),
      },
    );
  });
  const paused = await headed;
  // Long enough for all of the body to come, if it came.
  for (let turn = 0; turn < 500; turn += 1) await new Promise(setImmediate);
  expect(size).toBeLessThan(500_000);
  paused.resume();
  await ended;
  expect(size).toBe(5_000_000);
});
