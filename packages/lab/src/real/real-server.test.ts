import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { converse, converseTls, hear, openTunnel } from '../net/raw-client.js';
import { startTarget } from '../targets/target.js';
import type { Target } from '../targets/target.js';
import { availability, availabilityOf, realServers, startRealServer } from './real-server.js';
import type { RealServer, RealServerName } from './real-server.js';

let plain: Target;
let secure: Target;
beforeAll(async () => {
  plain = await startTarget();
  secure = await startTarget({ certificate: 'good' });
});
afterAll(() => Promise.all([plain.close(), secure.close()]));

const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: lab.test\r\nConnection: close\r\n\r\n`;

function greeting(server: RealServer, password = server.credentials?.password): Buffer[] {
  const user = server.credentials?.user;
  if (user === undefined || password === undefined) return [Buffer.from([5, 1, 0])];
  const shown = [1, user.length, ...Buffer.from(user), password.length, ...Buffer.from(password)];
  return [Buffer.from([5, 1, 2]), Buffer.from(shown)];
}

async function tunnelled(server: RealServer, port: number): Promise<Awaited<ReturnType<typeof openTunnel>>> {
  if (server.url.startsWith('http')) {
    const { user, password } = server.credentials ?? {};
    const shown = user ? `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n` : '';
    return openTunnel(server.port, `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: a\r\n${shown}\r\n`, '\r\n\r\n');
  }
  const request = Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]);
  const words = greeting(server);
  // Not all in one go: these servers read each message with one read.
  return openTunnel(server.port, [...words, request], [...words.map(() => 2), 10]);
}

for (const name of Object.keys(realServers) as RealServerName[]) {
  for (const authenticated of [false, true]) {
    const state = availability(name, { authenticated });
    const why = state.available ? '' : ` (skipped: ${state.reason})`;
    describe.skipIf(!state.available)(`${name}${authenticated ? ' with a password' : ''}${why}`, () => {
      let server: RealServer;
      beforeAll(async () => {
        server = await startRealServer(name, { authenticated });
      }, 60_000);
      afterAll(() => server.stop(), 20_000);

      test('forwards http and https to targets on loopback', async () => {
        const tunnel = await tunnelled(server, plain.port);
        expect((await hear(tunnel, ask('/status/418'))).text).toMatch(/^HTTP\/1.1 418 /);
        const through = await tunnelled(server, secure.port);
        const heard = await converseTls({ port: 0, through, servername: 'localhost', say: ask('/bytes/100000') });
        expect(heard.bytes.length).toBeGreaterThan(100_000);
      });

      if (authenticated)
        test('refuses who does not know the password', async () => {
          const { port } = server;
          if (server.url.startsWith('http')) {
            const say = `CONNECT 127.0.0.1:${plain.port} HTTP/1.1\r\nHost: a\r\n\r\n`;
            expect((await converse({ port, say, leaveAfter: 12 })).text).toMatch(/^HTTP\/1.[01] 40[17] /);
          } else {
            expect((await converse({ port, say: Buffer.from([5, 1, 0]) })).bytes).toEqual(Buffer.from([5, 255]));
            const [hello, wrong] = greeting(server, 'wrong');
            const socket = await openTunnel(port, hello!, 2);
            const { bytes } = await hear(socket, wrong);
            expect(bytes[0]).toBe(1);
            expect(bytes[1]).not.toBe(0);
          }
        });

      if (authenticated)
        test('leaves from the exit it is given', async () => {
          const elsewhere = await startRealServer(name, { authenticated, exit: '127.78.0.9' });
          try {
            const tunnel = await tunnelled(elsewhere, plain.port);
            expect((await hear(tunnel, ask('/echo'))).text).toContain('"remoteAddress":"127.78.0.9"');
          } finally {
            await elsewhere.stop();
          }
        });

      if (!authenticated && realServers[name].scheme === 'http')
        test('forwards the absolute form', async () => {
          const { text } = await converse({ port: server.port, say: ask(`${plain.url}/status/203`) });
          expect(text).toMatch(/^HTTP\/1.[01] 203 /);
        });
    });
  }
}

test.skipIf(!availability('microsocks').available)('a stopped server is gone, and so is its directory', async () => {
  const server = await startRealServer('microsocks');
  await server.stop();
  const socket = connect({ host: server.host, port: server.port });
  expect((await hear(socket)).error).toBe('ECONNREFUSED');
  expect(() => readFileSync(server.directory)).toThrow('ENOENT');
});

test('a missing server is a reason to skip on a desk and an error in CI', () => {
  const nowhere = { ...realServers.squid, files: ['/nowhere/squid'] } as const;
  vi.stubEnv('CI', '');
  expect(availabilityOf('squid', nowhere)).toEqual({
    available: false,
    reason: '/nowhere/squid is missing: apt-get install squid',
  });
  vi.stubEnv('CI', 'true');
  expect(() => availabilityOf('squid', nowhere)).toThrow('must run in CI');
  vi.unstubAllEnvs();
});

test('the list of Debian packages names every server', () => {
  const list = JSON.parse(readFileSync(new URL('../../debian-packages.json', import.meta.url), 'utf8')) as {
    package: string;
  }[];
  const names = list.map(({ package: name }) => name);
  for (const { debianPackage } of Object.values(realServers)) expect(names).toContain(debianPackage);
});
