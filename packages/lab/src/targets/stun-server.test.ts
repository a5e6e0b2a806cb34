import { createSocket } from 'node:dgram';
import { expect, test } from 'vitest';
import { startStunServer } from './stun-server.js';

test('counts the datagrams that reach it', async () => {
  const stun = await startStunServer();
  const client = createSocket('udp4');
  const arrived = stun.packet();
  client.send(Buffer.from([0, 1, 0, 0]), stun.port, stun.host);
  await arrived;
  expect(stun.packets).toBe(1);
  client.close();
  await stun.close();
});
