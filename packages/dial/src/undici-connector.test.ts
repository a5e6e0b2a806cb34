import {
  certificates,
  startFault,
  startHttpProxy,
  startSocksProxy,
  startTarget,
  type ProxyServer,
} from '@fairlead/lab';
import { toEndpoint } from '@fairlead/core';
import { Agent, request } from 'undici';
import { expect, test } from 'vitest';
import { abortWhileDialling } from './undici-aborts.js';
import { undiciConnector, type UndiciConnectorOptions } from './undici-connector.js';

const { ca } = certificates();

function agentTo(proxy: { readonly url: string }, options: UndiciConnectorOptions = {}): Agent {
  return new Agent({ connect: undiciConnector(toEndpoint(proxy.url, 'the test'), { ca, tls: { ca }, ...options }) });
}

test.each([
  ['http', () => startHttpProxy()],
  ['https', () => startHttpProxy({ certificate: 'good' })],
  ['socks5h', () => startSocksProxy()],
] as const)('%s: http and https targets, by name and by address', async (_kind, start) => {
  const proxy: ProxyServer = await start();
  const targets = [await startTarget(), await startTarget({ certificate: 'good' })];
  const dispatcher = agentTo(proxy);
  for (const { url } of targets) {
    for (const host of ['127.0.0.1', 'name.lab.test']) {
      const { statusCode, body } = await request(url.replace('127.0.0.1', host), { dispatcher });
      await body.dump();
      expect(statusCode).toBe(200);
    }
  }
  await dispatcher.close();
  await proxy.idle();
  for (const server of [proxy, ...targets]) await server.close();
});

test("a name in the certificate that is not the target's is refused", async () => {
  const [proxy, target] = [await startHttpProxy(), await startTarget({ certificate: 'wrongName' })];
  const dispatcher = agentTo(proxy);
  await expect(request(target.url, { dispatcher })).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  expect(target.requests).toEqual([]);
  await dispatcher.destroy();
  for (const server of [proxy, target]) await server.close();
});

test('a proxy that closes before it answers costs one connection a request, not a busy loop', async () => {
  const proxy = await startFault('http', 'close-after-request');
  const dispatcher = agentTo(proxy);
  await expect(request('https://127.0.0.1:1/', { dispatcher })).rejects.toMatchObject({ code: 'PROXY_CLOSED' });
  expect(proxy.connections.opened).toBe(1);
  await dispatcher.destroy();
  await proxy.close();
});

test('sessions are resumed on new connections', async () => {
  const [proxy, target] = [await startHttpProxy(), await startTarget({ certificate: 'good' })];
  const dispatcher = agentTo(proxy);
  for (let n = 0; n < 3; n += 1) {
    const { body } = await request(target.url, { dispatcher, reset: true });
    await body.dump();
  }
  expect(target.handshakes).toEqual({ full: 1, resumed: 2 });
  await dispatcher.close();
  for (const server of [proxy, target]) await server.close();
});

test('its signal ends what is being dialled', async () => {
  const proxy = await startFault('socks5', 'silent-after-greeting');
  const abort = new AbortController();
  const dispatcher = agentTo(proxy, { signal: abort.signal });
  const failing = request('https://127.0.0.1:1/', { dispatcher });
  failing.catch(() => {});
  while (proxy.connections.open === 0) await new Promise(setImmediate);
  abort.abort();
  await expect(failing).rejects.toMatchObject({ code: 'ABORTED' });
  await proxy.idle();
  await dispatcher.destroy();
  await proxy.close();
});

test('a request aborted while it is dialled ends at once, and the dial serves the next one', async () => {
  const proxy = await startFault('http', 'silent-on-accept');
  const dispatcher = agentTo(proxy);
  const composed = dispatcher.compose(abortWhileDialling());
  const abort = new AbortController();
  const failing = request('https://127.0.0.1:1/', { dispatcher: composed, signal: abort.signal });
  failing.catch(() => {});
  while (proxy.connections.open === 0) await new Promise(setImmediate);
  abort.abort();
  await expect(failing).rejects.toMatchObject({ name: 'AbortError' });
  expect(proxy.connections.open).toBe(1);
  await dispatcher.destroy();
  await proxy.close();
});

test('with an abort in mind, answers come as they come without', async () => {
  const [proxy, target] = [await startHttpProxy(), await startTarget({ certificate: 'good' })];
  const dispatcher = agentTo(proxy);
  const composed = dispatcher.compose(abortWhileDialling());
  const { body } = await request(`${target.url}/bytes/200000`, { dispatcher: composed });
  expect((await body.arrayBuffer()).byteLength).toBe(200_000);
  const abort = new AbortController();
  const slow = await request(`${target.url}/bytes/20000000`, { dispatcher: composed, signal: abort.signal });
  abort.abort();
  await expect(slow.body.arrayBuffer()).rejects.toMatchObject({ name: 'AbortError' });
  await dispatcher.close();
  for (const server of [proxy, target]) await server.close();
});

test('TLS options that Node throws at are thrown at whoever wrote them', () => {
  const endpoint = toEndpoint('http://127.0.0.1:1', 'the test');
  expect(() => undiciConnector(endpoint, { tls: { ciphers: 'no such cipher' } })).toThrow();
});

test('an option that nobody reads is refused by the name of the nearest', () => {
  const endpoint = toEndpoint('http://127.0.0.1:1', 'the test');
  expect(() => undiciConnector(endpoint, { timeout: 1 } as object)).toThrow("did you mean 'timeoutMs'?");
});

test('what Node throws at as TLS begins fails the request, and leaves no tunnel', async () => {
  const [proxy, target] = [await startHttpProxy(), await startTarget({ certificate: 'good' })];
  const dispatcher = agentTo(proxy, { tls: { ca, minDHSize: 0 } });
  await expect(request(target.url, { dispatcher })).rejects.toBeInstanceOf(Error);
  await proxy.idle();
  await dispatcher.destroy();
  for (const server of [proxy, target]) await server.close();
});

test('a deadline longer than a timer can count is one all the same', async () => {
  const [proxy, target] = [await startHttpProxy(), await startTarget({ certificate: 'good' })];
  const dispatcher = agentTo(proxy, { timeoutMs: 2 ** 31 });
  const { statusCode, body } = await request(target.url, { dispatcher });
  await body.dump();
  expect(statusCode).toBe(200);
  await dispatcher.close();
  for (const server of [proxy, target]) await server.close();
});
