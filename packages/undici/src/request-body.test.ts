import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createPool } from '@fairlead/core';
import { startFault, startHttpProxy, startTarget } from '@fairlead/lab';
import { request } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { poolDispatcher, poolInfo } from './index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

/** A proxy that opens its first tunnel when it is told to. */
async function lateProxy() {
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.once('data', () => server.emit('asked'));
  }).listen(0, '127.0.0.1');
  const sockets: Socket[] = [];
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  open.push({ close });
  const { port } = server.address() as { port: number };
  const answer = (): void => void sockets[0]!.write('HTTP/1.1 200 OK\r\n\r\n');
  return { url: `http://127.0.0.1:${port}`, answer };
}

test('an upload goes out whole by another proxy, though the one that was too late has its tunnel in the middle of it', async () => {
  const [target, proxy, late] = [await startTarget(), await startHttpProxy(), await lateProxy()];
  const pool = createPool({ proxies: [late.url, proxy.url] });
  open.push(target, proxy, pool);
  const second = pool.stats().endpoints[1]!.id;
  const sending = new Promise<void>((resolve) => pool.on('leased', ({ endpoint }) => endpoint === second && resolve()));
  let go: () => void;
  const gone = new Promise<void>((resolve) => (go = resolve));
  const body = Readable.from(
    (async function* () {
      yield Buffer.from('first ');
      await gone;
      yield Buffer.from('second');
    })(),
  );
  const dispatcher = poolDispatcher(pool);
  const terms = { avoid: [second], attemptTimeoutMs: 200 };
  const answer = request(`${target.url}/echo`, { method: 'POST', body, dispatcher, pool: terms } as object);
  await sending;
  while (!Readable.isDisturbed(body)) await new Promise(setImmediate);
  late.answer();
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
  go!();
  const { body: sent } = (await (await answer).body.json()) as { body: string };
  expect(sent).toBe('first second');
});

test('a body that nobody will send any more is let go of, and the error tells what was tried', async () => {
  const [target, dead] = [await startTarget(), await startFault('http', 'refuse-tcp')];
  const pool = createPool({ proxies: [dead.url] });
  open.push(target, dead, pool);
  const body = Readable.from(['x']);
  const options = { method: 'POST', body, dispatcher: poolDispatcher(pool) } as const;
  const error = await request(target.url, options).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'RETRIES_EXHAUSTED' });
  expect(poolInfo(error)).toMatchObject({ attempts: 0, reroutes: 1 });
  expect(body.destroyed).toBe(true);
});
