// What clients ask of the gateway by headers of its own.
import { startHttpProxy, startTarget, type ProxyServer, type Target } from '@fairlead/lab';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, basic, openTunnel, startGateway, statusOf } from './set-up.js';

let target: Target;
let proxy: ProxyServer;
beforeAll(async () => {
  [target, proxy] = await Promise.all([startTarget(), startHttpProxy()]);
});
afterAll(() => Promise.all([target.close(), proxy.close()]));

const key = 'a-key-of-sixteen-and-more';
const connectWith = async (port: number, headers: string): Promise<number> => {
  const { socket, head } = await openTunnel(port, `127.0.0.1:${target.port}`, headers);
  socket.destroy();
  return statusOf(head);
};

test('a tunnel hears them too: key, session and tags', async () => {
  const { handle, log } = await startGateway([proxy.url], { keys: [key] });
  expect(await connectWith(handle.port, `X-Fairlead-Key: ${key}\r\nX-Fairlead-Session: cart\r\n`)).toBe(200);
  expect(await connectWith(handle.port, `X-Fairlead-Key: ${key}\r\nX-Fairlead-Tags: nowhere\r\n`)).toBe(503);
  await expect.poll(() => log.length).toBe(2);
  const [stood, refused] = log.toSorted((a, b) => a.status - b.status);
  expect([stood, refused]).toMatchObject([{ session: 'cart', client: 'key-1' }, { status: 503 }]);
});

test('one that a tunnel cannot mean, or that nobody knows, is refused there as well', async () => {
  const { handle } = await startGateway([proxy.url]);
  for (const header of ['Attempts: 1', 'Idempotent: 1', 'Target: https://shop.example', 'Sesion: a', 'Session: ']) {
    expect([header, await connectWith(handle.port, `X-Fairlead-${header}\r\n`)]).toEqual([header, 400]);
  }
});

test('a session of a request is in the log, whichever way it was named', async () => {
  const { handle, log } = await startGateway([proxy.url]);
  const headers = { 'X-Fairlead-Session': 'cart' };
  expect((await ask(handle, `${target.url}/`, { headers })).status).toBe(200);
  expect(log).toMatchObject([{ session: 'cart' }]);
});

test('two credentials are one too many', async () => {
  const { handle } = await startGateway([proxy.url], { keys: [key] });
  const login = basic('session-a', key);
  expect(await connectWith(handle.port, `X-Fairlead-Key: ${key}\r\n${login}`)).toBe(400);
});
