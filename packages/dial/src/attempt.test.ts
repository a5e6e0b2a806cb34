import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Attempt, expectSilence } from './attempt.js';

let server: Server;
let client: Socket;
afterEach(() => {
  client.destroy();
  server.close();
});

async function connectedTo(serve: (socket: Socket) => void): Promise<Socket> {
  server = createServer((socket) => serve(socket.on('error', () => {}).resume()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'connect');
  return client;
}

test('a proxy that has spoken before it was asked is caught', async () => {
  const socket = await connectedTo((peer) => void peer.write('HTTP/1.1 200 OK\r\n\r\n'));
  await once(socket, 'readable');
  await expect(expectSilence(socket, new Attempt(Infinity))).rejects.toMatchObject({
    code: 'PROXY_PROTOCOL',
    fault: 'endpoint',
  });
});

test('one that waits to be asked is not', async () => {
  const socket = await connectedTo(() => {});
  await expectSilence(socket, new Attempt(Infinity));
});
