import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { ConnectionGate } from './connection-gate.js';

test('who is turned away is told why, as long as few of them linger', async () => {
  const gate = new ConnectionGate({ maxConnections: 1, maxPerPeer: 1 });
  const sockets = Array.from({ length: 300 }, () => new Socket());
  let told = 0;
  for (const socket of sockets) gate.turnAway(socket, () => (told += 1));
  expect(told).toBe(200);
  expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(100);
  sockets[0]!.destroy();
  await once(sockets[0]!, 'close');
  gate.turnAway(new Socket(), () => (told += 1));
  expect(told).toBe(201);
});
