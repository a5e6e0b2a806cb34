import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { converse, converseTls, hear, openTunnel } from '../net/raw-client.js';
import { startInChild } from './child-server.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

// A child runs built code, and a test must not run yesterday's.
beforeAll(() => {
  execFileSync('npx', ['tsc', '-b', root], { cwd: root });
}, 60_000);

const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;

test('a proxy and a target in children of their own serve, and tell what they saw', async () => {
  const [proxy, target] = await Promise.all([
    startInChild({ kind: 'http-proxy', options: { credentials: { user: 'u', password: 'p' } } }),
    startInChild({ kind: 'target' }),
  ]);
  expect(new URL(proxy.url)).toMatchObject({ username: 'u', password: 'p', port: String(proxy.port) });
  const shown = `Proxy-Authorization: Basic ${Buffer.from('u:p').toString('base64')}`;
  const tunnel = await openTunnel(
    proxy.port,
    `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\n${shown}\r\n\r\n`,
    '\r\n\r\n',
  );
  expect((await hear(tunnel, ask('/status/418'))).text).toMatch(/^HTTP\/1.1 418 /);
  await Promise.all([proxy.idle(), target.idle()]);
  const seen = { opened: 1, open: 0, requests: 1, bytesIn: tunnel.bytesWritten, bytesOut: tunnel.bytesRead };
  expect(await proxy.tally()).toMatchObject(seen);
  expect(await target.tally()).toMatchObject({ opened: 1, open: 0, requests: 1, handshakes: { full: 0, resumed: 0 } });
  await Promise.all([proxy.stop(), target.stop()]);
  expect((await converse({ port: proxy.port })).error).toBe('ECONNREFUSED');
  await expect(proxy.tally()).rejects.toThrow();
});

test('SOCKS proxies, faults and TLS targets run in children too', async () => {
  const servers = await Promise.all([
    startInChild({ kind: 'socks-proxy' }),
    startInChild({ kind: 'fault', of: 'http', name: 'status-429' }),
    startInChild({ kind: 'target', options: { certificate: 'good' } }),
  ]);
  expect(servers.map(({ url }) => url.split(':')[0])).toEqual(['socks5h', 'http', 'https']);
  // Signed by the authority of this process.
  const secure = await converseTls({ port: servers[2].port, say: ask('/status/201') });
  expect(secure.text).toMatch(/^HTTP\/1.1 201 /);
  expect((await servers[2].tally()).handshakes).toEqual({ full: 1, resumed: 0 });
  const { text } = await converse({ port: servers[1].port, say: 'CONNECT a:1 HTTP/1.1\r\n\r\n', leaveAfter: 12 });
  expect(text).toMatch(/^HTTP\/1.1 429 /);
  await Promise.all(servers.map((server) => server.stop()));
});

test('a child ends when its parent is killed', async () => {
  const script = `
    import { startInChild } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    const child = await startInChild({ kind: 'target' });
    console.log(child.port);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const port = Number(line);
  const held = await openTunnel(port, ask('/slow'), '\r\n\r\n');
  const ended = hear(held);
  parent.kill('SIGKILL');
  // The child closes what it holds by ending. Its port may reset once more on the way.
  await ended;
  expect(['ECONNREFUSED', 'ECONNRESET']).toContain((await converse({ port })).error);
});
