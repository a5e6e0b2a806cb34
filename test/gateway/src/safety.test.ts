import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fork } from 'node:child_process';
import { setTimeout as after } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  faultNames,
  faults,
  startFault,
  startHttpProxy,
  startTarget,
  type ProxyServer,
  type Target,
} from '@fairlead/lab';
import { createPool } from '@fairlead/core';
import { createGateway } from '@fairlead/gateway';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ask, basic, openTunnel, startGateway, statusOf, talk } from './set-up.js';

let target: Target;
let proxy: ProxyServer;
beforeAll(async () => {
  target = await startTarget();
  proxy = await startHttpProxy();
});
afterAll(() => Promise.all([target.close(), proxy.close()]));

const authority = (): string => `127.0.0.1:${target.port}`;
const key = 'a-key-of-sixteen-and-more';

for (const [host, options, opens] of [
  ['127.0.0.1', {}, true],
  ['localhost', {}, true],
  ['::1', {}, true],
  ['0.0.0.0', {}, false],
  ['::', {}, false],
  ['0.0.0.0', { anonymous: true, users: { a: 'b' } }, false],
  ['0.0.0.0', { anonymous: false }, true],
  ['0.0.0.0', { users: { a: 'b' } }, true],
  ['0.0.0.0', { keys: [key] }, true],
] as const) {
  test(`bound to ${host} with ${JSON.stringify(options)} it ${opens ? 'opens' : 'refuses to'}`, async () => {
    const gateway = createGateway({ pool: createPool(), ...options });
    if (!opens) return expect(gateway.listen({ host })).rejects.toThrow('needs users or keys');
    await (await gateway.listen({ host })).close();
  });
}

test('wrong passwords: ten a minute for one name, and then not even the right one; others are not kept out by it', async () => {
  const { handle } = await startGateway([proxy.url], { users: { ann: 'right', bob: 'right' } });
  const tryAs = async (user: string, password: string): Promise<number> => {
    const { socket, head } = await openTunnel(handle.port, authority(), basic(user, password));
    socket.destroy();
    return statusOf(head);
  };
  expect(await tryAs('ann', 'right')).toBe(200);
  for (let index = 0; index < 10; index += 1) expect(await tryAs('ann', `wrong ${index}`)).toBe(407);
  expect(await tryAs('ann', 'wrong')).toBe(429);
  expect(await tryAs('ann', 'right')).toBe(429);
  expect(await tryAs('bob', 'right')).toBe(200);
  // A browser asks once without credentials first: that is no wrong password.
  for (let index = 0; index < 20; index += 1) {
    expect(statusOf((await openTunnel(handle.port, authority())).head)).toBe(407);
  }
  expect(await tryAs('bob', 'right')).toBe(200);
});

test("401 with an unread body closes: what follows it is nobody's request", async () => {
  const { handle, log } = await startGateway([proxy.url], { users: { ann: 'right' } });
  const { host } = new URL(target.url);
  const hidden = `GET ${target.url}/ HTTP/1.1\r\nHost: ${host}\r\n${basic('ann', 'right')}\r\n`;
  const heard = await talk(
    handle.port,
    `POST ${target.url}/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  );
  expect(heard.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 407']);
  expect(log).toMatchObject([{ status: 407, code: 'UNAUTHORIZED' }]);
});

test('targets of a key are matched whole: https://evil/?x=api.example.com is not api.example.com', async () => {
  const { handle } = await startGateway([proxy.url], {
    users: { ann: { password: 'p', targets: ['localhost', '*.api.lab.test', 'paths.lab.test/api'] } },
  });
  const statuses: Record<string, number> = {};
  for (const host of [
    'localhost',
    'x.api.lab.test',
    'api.lab.test',
    'xapi.lab.test',
    'localhost.lab.test',
    'evil.lab.test',
    'paths.lab.test',
  ]) {
    const { socket, head } = await openTunnel(handle.port, `${host}:${target.port}`, basic('ann', 'p'));
    statuses[host] = statusOf(head);
    socket.destroy();
  }
  expect(statuses).toEqual({
    localhost: 200,
    'x.api.lab.test': 200,
    'api.lab.test': 403,
    'xapi.lab.test': 403,
    'localhost.lab.test': 403,
    'evil.lab.test': 403,
    // A rule by path says nothing of a tunnel, in which no path is seen.
    'paths.lab.test': 403,
  });
  const login = { 'Proxy-Authorization': basic('ann', 'p').slice('Proxy-Authorization: '.length).trim() };
  const answers: Record<string, number> = {};
  const base = `http://paths.lab.test:${target.port}`;
  for (const path of [
    '/api',
    '/api/201',
    '/apis',
    '/other?x=/api',
    '/api/../secret',
    '/api/%2e%2e/secret',
    '/?x=localhost',
  ]) {
    answers[path] = (await ask(handle, `${base}${path}`, { headers: login })).status;
  }
  expect(answers).toEqual({
    '/api': 200,
    '/api/201': 201,
    '/apis': 403,
    '/other?x=/api': 403,
    '/api/../secret': 403,
    '/api/%2e%2e/secret': 403,
    '/?x=localhost': 403,
  });
});

test('ports: 443 unless told otherwise, for tunnels of either kind', async () => {
  const pool = createPool({ proxies: [proxy.url] });
  const gateway = createGateway({ pool, allowPrivate: 'all', drainMs: 50 });
  const handle = await gateway.listen();
  onTestFinished(() => handle.close());
  for (const port of [22, 25, 80, 8443, target.port]) {
    expect(statusOf((await openTunnel(handle.port, `127.0.0.1:${port}`)).head)).toBe(403);
  }
  expect(statusOf((await openTunnel(handle.port, '127.0.0.1:443')).head)).toBe(502);
});

test('what goes directly by rule is looked up once and checked: a resolver that alternates gets in never', async () => {
  const inside = createServer((socket) => socket.destroy());
  let knocks = 0;
  inside.on('connection', () => (knocks += 1));
  inside.listen(0, '127.0.0.1');
  await once(inside, 'listening');
  onTestFinished(() => void inside.close());
  const { port } = inside.address() as AddressInfo;
  let asked = 0;
  const { handle } = await startGateway([proxy.url], {
    direct: ['rebind.example'],
    allowPrivate: [],
    connectTimeoutMs: 2000,
    // A documentation address, where nobody answers; then home, and both at once.
    resolve: (_, callback) => {
      asked += 1;
      const kinds = [['127.0.0.1'], ['192.0.2.1'], ['192.0.2.1', '127.0.0.1'], ['::ffff:127.0.0.1']];
      const addresses = kinds[asked % kinds.length]!.map((address) => ({
        address,
        family: address.includes(':') ? 6 : 4,
      }));
      callback(null, addresses);
    },
  });
  const statuses = new Set<number>();
  for (let round = 0; round < 20; round += 1) {
    const heads = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        if (index % 2 === 0) return (await ask(handle, `http://rebind.example:${port}/`)).status;
        return statusOf((await openTunnel(handle.port, `rebind.example:${port}`)).head);
      }),
    );
    for (const status of heads) statuses.add(status);
  }
  expect(asked).toBeGreaterThanOrEqual(1000);
  expect([...statuses]).toEqual([403]);
  expect(knocks).toBe(0);
});

test('direct by rule: the target sees no proxy, and the log says so; everything else goes as ever', async () => {
  const { handle, log } = await startGateway([proxy.url], { direct: ['domain:localhost'] });
  const before = proxy.connections.opened;
  const url = `http://localhost:${target.port}/`;
  expect((await ask(handle, url)).status).toBe(200);
  const { socket } = await openTunnel(handle.port, `localhost:${target.port}`);
  socket.destroy();
  expect(proxy.connections.opened).toBe(before);
  expect((await ask(handle, `${target.url}/`)).status).toBe(200);
  await expect.poll(() => log.length).toBe(3);
  expect(log.map((record) => record.proxy).sort()).toEqual(['direct', 'direct', proxy.url].sort());
});

test('every hostile upstream is left by the deadline, costs no memory to speak of, and the good one still serves', async () => {
  const hostile = (['http', 'socks5', 'socks4'] as const).flatMap((kind) =>
    faultNames(kind as 'http')
      .filter((name) => {
        const { at, outcome } = (faults[kind] as Record<string, { at: string; outcome: string }>)[name]!;
        // A 200 with a body is a 200: what follows it is the tunnel's.
        return at !== 'tunnel' && outcome !== 'works' && name !== ('body-on-200' as string);
      })
      .map((name) => [kind, name] as const),
  );
  const servers = await Promise.all(hostile.map(([kind, name]) => startFault(kind as 'http', name)));
  const terms = { connectTimeoutMs: 400, poolOptions: { policy: 'relay' as const } };
  const round = (): Promise<readonly unknown[]> =>
    Promise.all(
      servers.map(async ({ url }, index) => {
        const { handle, gateway, pool, log } = await startGateway([url], terms);
        const { socket, head } = await openTunnel(handle.port, authority());
        socket.destroy();
        await expect.poll(() => pool.stats().inFlight + log.length).toBe(1);
        await gateway.close();
        // Thirty seconds is what the client would have: it was the time for a connection that ended it.
        const left = log[0]!.durationMs < 10_000 && [502, 503, 504].includes(statusOf(head));
        return left ? undefined : { head, log, name: hostile[index] };
      }),
    );
  expect(hostile.length).toBeGreaterThan(60);
  expect((await round()).filter(Boolean)).toEqual([]);
  // By now all is loaded and compiled: what a second round leaves behind is theirs.
  const before = keptBytes();
  expect((await round()).filter(Boolean)).toEqual([]);
  expect(keptBytes() - before).toBeLessThan(20 * 2 ** 20);
  await Promise.all(servers.map((server) => server.idle()));
  // Silent ones by the dozen come first: each may take half a second of the thirty that the client has.
  const { handle } = await startGateway([...servers.map(({ url }) => url), proxy.url], {
    poolOptions: { policy: { preset: 'relay', attemptTimeoutMs: 500 } },
  });
  expect(statusOf((await openTunnel(handle.port, authority())).head)).toBe(200);
  await Promise.all(servers.map((server) => server.close()));
});

/** What is in use once the garbage is out. */
function keptBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test(
  '10,000 slow connections are served or sent away by their clock, while good clients go on',
  { timeout: 120_000 },
  async () => {
    const { handle, gateway } = await startGateway([proxy.url], {
      headerTimeoutMs: 5000,
      maxPerPeer: 20_000,
    });
    const crowd = fork(new URL('slow-crowd.mjs', import.meta.url), [String(handle.port), '10000'], { execArgv: [] });
    onTestFinished(() => void crowd.kill());
    await once(crowd, 'message');
    let served = 0;
    while (gateway.stats().connections > 100) {
      const { socket, head } = await openTunnel(handle.port, authority());
      expect(statusOf(head)).toBe(200);
      socket.destroy();
      expect((await ask(handle, `${target.url}/`)).status).toBe(200);
      served += 1;
      await after(20);
    }
    expect(served).toBeGreaterThan(5);
    crowd.send('count');
    const [counts] = (await once(crowd, 'message')) as [Record<string, number>];
    expect(counts).toEqual({ 408: 10_000 });
  },
);
