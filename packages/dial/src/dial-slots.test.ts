import { once } from 'node:events';
import { createServer, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { toEndpoint } from '@fairlead/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { agentsFor } from './agents.js';
import { failureOf } from './failure.js';
import { noteOn } from './failure-notes.js';
import type { Agents } from './lease-agents.js';

/** A target that answers when it is told to. */
let asked: { readonly path: string; answer(): void; reset(): void }[];
let target: Server;
/** A proxy that answers CONNECT when it is told to, with what it is told. */
let dials: { open(): void; refuse(): void }[];
let proxy: Server;
let agents: Agents;
const sockets = new Set<Socket>();

beforeEach(async () => {
  [asked, dials] = [[], []];
  target = createServer((incoming, response) => {
    const reset = () => incoming.socket.resetAndDestroy();
    asked.push({ path: incoming.url ?? '', answer: () => void response.end('done'), reset });
  });
  proxy = createServer().on('connect', (incoming, client: Socket) => {
    const open = () => {
      const onward = connect(Number(incoming.url?.split(':')[1]), '127.0.0.1');
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(onward).pipe(client);
      onward.on('error', () => client.destroy()).on('close', () => client.destroy());
    };
    client.on('error', () => {});
    dials.push({ open, refuse: () => void client.end('HTTP/1.1 503 No\r\n\r\n') });
  });
  for (const server of [target, proxy]) {
    server.on('connection', (socket: Socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
    await once(server.listen(0, '127.0.0.1'), 'listening');
  }
  agents = agentsFor(toEndpoint(`http://127.0.0.1:${portOf(proxy)}`, 'the test'), { maxSockets: 2, timeoutMs: 60_000 });
});
afterEach(() => {
  agents.http.destroy();
  for (const socket of sockets) socket.destroy();
  for (const server of [target, proxy]) server.close();
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function ask(path: string): ClientRequest {
  const url = `http://127.0.0.1:${portOf(target)}${path}`;
  return httpRequest(url, { agent: agents.http, method: 'POST' }).end('x');
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise(setImmediate);
}

async function bodyOf(request: ClientRequest): Promise<string> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return text(response);
}

/** Two requests run, a third waits; the first breaks, so that a dial for the third begins, and the second's tunnel takes it. */
async function servedByAnother(): Promise<{ readonly request: ClientRequest }> {
  const [first, second, request] = [ask('/first'), ask('/second'), ask('/third')];
  const broken = once(first, 'error');
  await until(() => dials.length === 2);
  for (const dial of dials) dial.open();
  await until(() => asked.length === 2);
  asked.find(({ path }) => path === '/first')!.reset();
  await broken;
  await until(() => dials.length === 3);
  const answered = bodyOf(second);
  asked.find(({ path }) => path === '/second')!.answer();
  expect(await answered).toBe('done');
  await until(() => asked.length === 3);
  return { request };
}

test('a request that another tunnel took may have been received, though a dial for it is under way', async () => {
  const { request } = await servedByAnother();
  const failed = once(request, 'error');
  request.destroy(Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' }));
  expect(noteOn(request)).toBeUndefined();
  expect(failureOf(((await failed) as [Error])[0], 0)).toMatchObject({ code: 'ETIMEDOUT', sent: 'maybe' });
});

test('a dial that fails does not fail the request that another tunnel took', async () => {
  const { request } = await servedByAnother();
  const answered = bodyOf(request);
  dials[2]!.refuse();
  await until(() => sockets.size === 2);
  asked[2]!.answer();
  expect(await answered).toBe('done');
});

test('a request that is ended in the queue ends at once, and nothing of it was sent', async () => {
  const [first, second, third] = [ask('/first'), ask('/second'), ask('/third')];
  for (const request of [first, second]) request.on('error', () => {});
  await until(() => dials.length === 2);
  const failed = once(third, 'error');
  const closed = new Promise((resolve) => third.once('close', resolve));
  third.destroy(Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' }));
  expect(failureOf(((await failed) as [Error])[0], 0)).toMatchObject({ code: 'ETIMEDOUT', sent: 'nothing' });
  await closed;
  expect(dials).toHaveLength(2);
});

test('a request that was ended before it came to the queue ends too', async () => {
  const [first, second] = [ask('/first'), ask('/second')];
  for (const request of [first, second]) request.on('error', () => {});
  const url = `http://127.0.0.1:${portOf(target)}/third`;
  const third = httpRequest(url, { agent: agents.http, signal: AbortSignal.abort() });
  expect(((await once(third, 'error')) as [Error])[0].name).toBe('AbortError');
});
