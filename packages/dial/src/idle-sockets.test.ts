import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { toEndpoint } from '@fairlead/core';
import { startHttpProxy, type ProxyServer } from '@fairlead/lab';
import { afterEach, beforeEach, test } from 'vitest';
import { agentsFor, type AgentOptions } from './agents.js';
import type { Agents } from './lease-agents.js';

let proxy: ProxyServer;
let target: Server;
let agents: Agents;
let connections: Socket[];
let answer: (response: ServerResponse) => void;
beforeEach(async () => {
  proxy = await startHttpProxy();
  connections = [];
  answer = (response) => void response.end('x');
  target = createServer({ keepAliveTimeout: 0 }, (_, response) => answer(response));
  target.on('connection', (socket) => connections.push(socket));
  await once(target.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  agents.http.destroy();
  await proxy.close();
  target.close();
});

function keeping(options: AgentOptions): void {
  agents = agentsFor(toEndpoint(proxy.url, 'the test'), options);
}

/** Resolves when the request's socket is kept. */
async function load(): Promise<Socket> {
  const request = get(`http://127.0.0.1:${(target.address() as AddressInfo).port}/`, { agent: agents.http });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const { socket } = response;
  for await (const chunk of response) void chunk;
  while (!socket.destroyed && !Object.values(agents.http.freeSockets).flat().includes(socket))
    await new Promise(setImmediate);
  return socket;
}

const WAYS: Record<string, (own: Socket) => void> = {
  'by the target': () => connections[0]!.destroy(),
  'by whoever holds it': (own) => void own.destroy(),
};

test.each(Object.keys(WAYS))('a kept socket that is closed %s is held no longer', async (way) => {
  keeping({ idleMs: Number.POSITIVE_INFINITY });
  const collected = await (async () => {
    const socket = await load();
    const closed = once(socket, 'close');
    WAYS[way]!(socket);
    await closed;
    return new WeakRef(socket);
  })();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  while (collected.deref() !== undefined) {
    await new Promise(setImmediate);
    collect();
  }
  await proxy.idle();
});

test('a server that says how long it keeps a connection is believed', async () => {
  // A second less than it says is kept: what is sent in the last one meets a close.
  answer = (response) => void response.setHeader('keep-alive', 'timeout=2').end('x');
  keeping({});
  await load();
  await proxy.idle();
});

test('and it cannot keep one for longer than idleMs', async () => {
  answer = (response) => void response.setHeader('keep-alive', 'timeout=3600').end('x');
  keeping({ idleMs: 20 });
  await load();
  await proxy.idle();
});
