// Who comes in, as whom, and what those that came in may ask for.
import http from 'node:http';
import { startHttpProxy, startTarget, type ProxyServer, type Target } from '@fairlead/lab';
import { createPool } from '@fairlead/core';
import { createGateway, type GatewayOptions } from '@fairlead/gateway';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, basic, exchange, openTunnel, startGateway, statusOf, talk, type Started } from './set-up.js';

let target: Target;
let proxy: ProxyServer;
beforeAll(async () => {
  [target, proxy] = await Promise.all([startTarget(), startHttpProxy()]);
});
afterAll(() => Promise.all([target.close(), proxy.close()]));

const key = 'a-key-of-sixteen-and-more';
const bearer = (given: string): string => `Proxy-Authorization: Bearer ${given}\r\n`;

async function connectAs({ handle }: Started, login: string): Promise<number> {
  const { socket, head } = await openTunnel(handle.port, `127.0.0.1:${target.port}`, login);
  socket.destroy();
  return statusOf(head);
}

async function repeated(times: number, work: () => Promise<number>): Promise<number[]> {
  const seen: number[] = [];
  for (let index = 0; index < times; index += 1) seen.push(await work());
  return seen;
}

const TEN_WRONG = Array<number>(10).fill(407);

describe('wrong keys', () => {
  test('as passwords: after ten a minute not even the right one is looked at', async () => {
    const gateway = await startGateway([proxy.url], { keys: [key] });
    expect(await repeated(10, () => connectAs(gateway, basic('session-x', 'wrong')))).toEqual(TEN_WRONG);
    expect(await connectAs(gateway, basic('session-x', key))).toBe(429);
    expect(await connectAs(gateway, basic('session-y', key))).toBe(429);
  });

  test('as bearers: the same', async () => {
    const gateway = await startGateway([proxy.url], { keys: [key] });
    expect(await repeated(10, () => connectAs(gateway, bearer('wrong')))).toEqual(TEN_WRONG);
    expect(await connectAs(gateway, bearer(key))).toBe(429);
  });

  test('mistyped user names keep no bearer out, and nobody who is known', async () => {
    const gateway = await startGateway([proxy.url], { keys: [key], users: { ann: 'right' } });
    expect(await repeated(10, () => connectAs(gateway, basic('anne', 'right')))).toEqual(TEN_WRONG);
    expect(await connectAs(gateway, basic('anne', 'right'))).toBe(429);
    expect(await connectAs(gateway, bearer(key))).toBe(200);
    expect(await connectAs(gateway, basic('ann', 'right'))).toBe(200);
  });
});

describe("one client's session is never another's", () => {
  const cases: readonly (readonly [string, Partial<GatewayOptions>, string, string])[] = [
    [
      'a/b and a, c and b/c',
      { users: { a: 'p', 'a/b': 'p' } },
      basic('a-session-b/c', 'p'),
      basic('a/b-session-c', 'p'),
    ],
    [
      'a user and an anonymous one',
      { users: { ann: 'p' }, anonymous: true },
      basic('ann-session-x', 'p'),
      basic('session-ann/x', ''),
    ],
    [
      'the encoded and the plain',
      { users: { 'a/b': 'p', 'a%2Fb': 'p' } },
      basic('a/b-session-c', 'p'),
      basic('a%2Fb-session-c', 'p'),
    ],
    [
      'a session that is spelled like an encoded one',
      { users: { ann: 'p' }, anonymous: true },
      basic('ann-session-a/b', 'p'),
      basic('session-ann/a%2Fb', ''),
    ],
  ];
  for (const [name, options, one, other] of cases) {
    test(name, async () => {
      const { handle, pool } = await startGateway([proxy.url], options);
      for (const login of [one, one, other]) {
        expect(statusOf((await openTunnel(handle.port, `127.0.0.1:${target.port}`, login)).head)).toBe(200);
      }
      expect(pool.stats()).toMatchObject({ inFlight: 2, activeSessions: 2 });
    });
  }

  test('a key is not called as a user is', () => {
    const options = { pool: createPool(), users: { ann: 'p' } };
    expect(() => createGateway({ ...options, keys: [{ key, name: 'ann' }] })).toThrow('keys[0]');
    expect(() => createGateway({ ...options, users: { 'key-1': 'p' }, keys: [key] })).toThrow('keys[0]');
  });
});

test('a path rule cannot be walked out of by what a target may decode', async () => {
  const { handle } = await startGateway([proxy.url], {
    users: { ann: { password: 'p', targets: ['paths.lab.test/api'] } },
  });
  const host = `paths.lab.test:${target.port}`;
  const seen: Record<string, number> = {};
  const before = target.requests.length;
  const refused = [
    '/api/..%2fsecret',
    '/api/..%2Fsecret',
    '/api/..%5csecret',
    '/api/%2e%2e%2fsecret',
    '/api%2f..%2fsecret',
    '/api/..;/secret',
    '/api/..;x=1/secret',
    '/api/..%3b/secret',
    '/api/..%252fsecret',
    '/api/..%00/secret',
  ];
  const allowed = ['/api/203?', '/api/203?q=../y', '/api/203/a..b', '/api/203/x%20y', '/api/203/100%'];
  for (const path of [...refused, ...allowed]) {
    const login = basic('ann', 'p');
    const wire = `GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${login}\r\n`;
    seen[path] = statusOf(await talk(handle.port, wire));
  }
  expect(refused.map((path) => [path, seen[path]])).toEqual(refused.map((path) => [path, 403]));
  expect(allowed.map((path) => [path, seen[path]])).toEqual(allowed.map((path) => [path, 203]));
  expect(target.requests.length - before).toBe(allowed.length);
});

describe('a page that was rebound to this machine', () => {
  const asked = (started: Started, host: string, more: http.OutgoingHttpHeaders = {}): Promise<number> =>
    exchange({
      host: '127.0.0.1',
      port: started.handle.port,
      path: '/status/203',
      headers: { Host: host, 'X-Fairlead-Target': target.url, ...more },
    }).then(({ status }) => status);

  test('reaches nothing by header through a gateway that asks for no credentials', async () => {
    const started = await startGateway([proxy.url]);
    const before = proxy.connections.opened;
    for (const host of ['attacker.example', 'attacker.example:8899', '127.0.0.1.attacker.example', 'xlocalhost']) {
      expect([host, await asked(started, host)]).toEqual([host, 403]);
    }
    expect(proxy.connections.opened).toBe(before);
    for (const host of ['127.0.0.1:1', 'localhost:8899', 'LOCALHOST', '[::1]:8899']) {
      expect([host, await asked(started, host)]).toEqual([host, 203]);
    }
  });

  test('with credentials a gateway may be called by any name', async () => {
    const started = await startGateway([proxy.url], { keys: [key] });
    expect(await asked(started, 'gateway.example', { 'X-Fairlead-Key': key })).toBe(203);
  });
});

describe('names of a site', () => {
  const lookup =
    (address: string): NonNullable<GatewayOptions['resolve']> =>
    (_, callback) =>
      callback(null, [{ address, family: 4 }]);

  test('loopback that is allowed opens none of them through a proxy', async () => {
    const { handle, log } = await startGateway([proxy.url], { allowPrivate: ['127.0.0.0/8'] });
    const before = proxy.connections.opened;
    for (const host of ['metadata.google.internal', 'printer.local', 'nas.home.arpa']) {
      expect(statusOf((await openTunnel(handle.port, `${host}:443`)).head)).toBe(403);
    }
    expect(log.every(({ code }) => code === 'PRIVATE_TARGET')).toBe(true);
    expect(proxy.connections.opened).toBe(before);
  });

  test('one that goes directly is judged by its addresses', async () => {
    const host = `db.corp.internal:${target.port}`;
    const terms = { direct: ['db.corp.internal'], resolve: lookup('127.0.0.1') };
    const allowed = await startGateway([proxy.url], { ...terms, allowPrivate: ['127.0.0.0/8'] });
    expect((await ask(allowed.handle, `http://${host}/status/203`)).status).toBe(203);
    expect(statusOf((await openTunnel(allowed.handle.port, host)).head)).toBe(200);
    const others = await startGateway([proxy.url], { ...terms, allowPrivate: ['10.0.0.0/8'] });
    expect(statusOf((await openTunnel(others.handle.port, host)).head)).toBe(403);
  });
});

describe('options that cannot be meant', () => {
  const cases: Readonly<Record<string, [options: object, item: string]>> = {
    'a user with a typo': [{ users: { ann: { password: 'p', target: ['x'] } } }, 'users.ann.target'],
    'a key with a typo': [{ keys: [{ key, target: ['x'] }] }, 'keys[0].target'],
    'users as a Map': [{ users: new Map([['ann', 'p']]) }, 'users'],
    'a user that is nothing': [{ users: { ann: null } }, 'users.ann'],
    'targets as a word': [{ users: { ann: { password: 'p', targets: 'x.example' } } }, 'users.ann.targets'],
    'a user name with a line feed': [{ users: { 'a\nb': 'p' } }, 'users'],
    'anonymous as a word': [{ anonymous: 'no' }, 'anonymous'],
    'a cap that is a word': [{ maxPerPeer: 'x' }, 'maxPerPeer'],
    'a cap of nobody': [{ maxPerPeer: 0 }, 'maxPerPeer'],
    'a cap that is not whole': [{ maxConnections: 1.5 }, 'maxConnections'],
    'no time at all': [{ connectTimeoutMs: 0 }, 'connectTimeoutMs'],
    'a time that is a word': [{ idleMs: '5s' }, 'idleMs'],
    'a listener that is none': [{ onAccess: 'x' }, 'onAccess'],
    'a resolver that is none': [{ resolve: 'x' }, 'resolve'],
    'networks as a word': [{ allowPrivate: '10.0.0.0/8' }, 'allowPrivate'],
    'rules as a word': [{ direct: 'x.example' }, 'direct'],
  };
  for (const [name, [options, item]] of Object.entries(cases)) {
    test(name, () =>
      expect(() => createGateway({ pool: createPool(), ...options })).toThrow(expect.objectContaining({ item })),
    );
  }

  test('and of listen', async () => {
    const gateway = createGateway({ pool: createPool() });
    await expect(gateway.listen({ prot: 1 } as object)).rejects.toMatchObject({ item: 'prot' });
    await expect(gateway.listen({ port: 70_000 })).rejects.toMatchObject({ item: 'port' });
    await expect(gateway.listen({ socksPort: Number.NaN })).rejects.toMatchObject({ item: 'socksPort' });
    await (await gateway.listen()).close();
  });
});
