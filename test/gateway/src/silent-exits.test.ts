// A proxy that takes a connection and says nothing: it must not have all the time that its client has.
import { startFault, startHttpProxy, startTarget, type ProxyServer, type Target } from '@fairlead/lab';
import { fifo } from '@fairlead/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, basic, openTunnel, startGateway, statusOf, type Started } from './set-up.js';

let target: Target;
let proxy: ProxyServer;
let mute: Awaited<ReturnType<typeof startFault>>;
beforeAll(async () => {
  [target, proxy, mute] = await Promise.all([
    startTarget(),
    startHttpProxy(),
    startFault('http', 'silent-after-request'),
  ]);
});
afterAll(() => Promise.all([target.close(), proxy.close(), mute.close()]));

/** Credentials of each kind of client, as a header. */
const CLIENTS: Readonly<Record<string, (gateway: Started) => string>> = {
  'nobody in particular': () => '',
  'a session': () => basic('session-a', ''),
  'a ticket': ({ gateway }) => {
    const { username, password } = gateway.tickets.mint();
    return basic(username, password);
  },
};

for (const [client, loginOf] of Object.entries(CLIENTS)) {
  for (const kind of ['CONNECT', 'a plain request'] as const) {
    test(`a silent exit is left in time for the next: ${kind} of ${client}`, async () => {
      const started = await startGateway([mute.url, proxy.url], {
        connectTimeoutMs: 2000,
        poolOptions: { strategy: fifo(), policy: 'respectful', deadlineMs: 2000 },
      });
      const login = loginOf(started);
      const { handle, log } = started;
      const before = mute.requests.length;
      if (kind === 'CONNECT') {
        const { socket, head } = await openTunnel(handle.port, new URL(target.url).host, login);
        socket.destroy();
        expect(statusOf(head)).toBe(200);
      } else {
        const headers = login === '' ? {} : { 'Proxy-Authorization': login.slice(login.indexOf(':') + 2).trim() };
        expect((await ask(handle, `${target.url}/`, { headers })).status).toBe(200);
      }
      await expect.poll(() => log).toMatchObject([{ status: 200, attempts: 2 }]);
      expect(mute.requests.length - before).toBe(1);
    });
  }
}

test('a tunnel is tried through the next exit under a policy that gives no attempt up, too: nothing was sent', async () => {
  const { handle, log } = await startGateway([mute.url, proxy.url], {
    connectTimeoutMs: 2000,
    poolOptions: { strategy: fifo(), policy: 'relay' },
  });
  const { socket, head } = await openTunnel(handle.port, new URL(target.url).host);
  socket.destroy();
  expect(statusOf(head)).toBe(200);
  await expect.poll(() => log).toMatchObject([{ status: 200, attempts: 2 }]);
});

test('where there is no other exit, a slow one has all the time there is', async () => {
  const { handle, log } = await startGateway([mute.url], {
    connectTimeoutMs: 600,
    poolOptions: { policy: 'respectful', deadlineMs: 600 },
  });
  expect(statusOf((await openTunnel(handle.port, new URL(target.url).host)).head)).toBe(504);
  expect(log[0]!.latencyMs).toBeGreaterThan(550);
});
