import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Inlet } from '@fairlead/dial';
import { expect, onTestFinished, test } from 'vitest';
import { relay, type RelayEnd } from './relay.js';

/** Both ends of a connection. */
async function pair(): Promise<[near: Socket, far: Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  for (const socket of [near, far]) socket.on('error', () => undefined);
  onTestFinished(() => void [near, far].map((socket) => socket.destroy()));
  return [near, far];
}

test('a client that takes nothing of what an ended upstream left is given up', async () => {
  const [[client], [upstream, target]] = await Promise.all([pair(), pair()]);
  // More than any kernel keeps for a reader that does not read.
  client.write(Buffer.alloc(32 * 2 ** 20));
  const ended = new Promise<RelayEnd>((onEnd) => {
    const quiet = { onBytes: () => undefined, onFirstByte: () => undefined };
    relay(client, upstream, new Inlet(), { idleMs: 300, ...quiet, onEnd });
  });
  target.destroy();
  await once(upstream, 'close');
  expect(client.destroyed).toBe(false);
  expect(await ended).toMatchObject({ by: 'upstream' });
  expect(client.destroyed).toBe(true);
});
