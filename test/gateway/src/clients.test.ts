import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { availability, certificates, startHttpProxy, startRealServer, startTarget, type Target } from '@fairlead/lab';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, startGateway, type Started } from './set-up.js';

const run = promisify(execFile);
const PASSWORD = 'canary-password';
const SETTING = { users: { ann: PASSWORD } };

let plain: Target;
let secure: Target;
let directory: string;
let ca: string;
beforeAll(async () => {
  [plain, secure] = await Promise.all([startTarget(), startTarget({ certificate: 'good' })]);
  directory = await mkdtemp(join(tmpdir(), 'fairlead-clients-'));
  ca = join(directory, 'ca.pem');
  await writeFile(ca, certificates().ca);
});
afterAll(async () => {
  await Promise.all([plain.close(), secure.close()]);
  // A browser's helpers outlive it by a moment, and write.
  await rm(directory, { recursive: true, force: true, maxRetries: 10 });
});

/** Over the name: the lab's certificate is made out to it. */
const overTls = (): string => `${secure.url.replace('127.0.0.1', 'localhost')}/status/203`;
const proxyUrl = ({ handle }: Started): string => handle.url.replace('://', `://ann-session-s:${PASSWORD}@`);

type Client = (gateway: Started, url: string) => Promise<string>;

/** Each answers with the status it saw. */
const clients: Record<string, { readonly program: string; readonly get: Client }> = {
  curl: {
    program: '/usr/bin/curl',
    async get(gateway, url) {
      const flags = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '--max-time', '20', '--cacert', ca];
      return (await run('curl', [...flags, '-x', proxyUrl(gateway), url])).stdout;
    },
  },
  'curl over SOCKS5': {
    program: '/usr/bin/curl',
    async get(gateway, url) {
      const flags = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '--max-time', '20', '--cacert', ca];
      const socks = gateway.handle.socksUrl!.replace('://', `://ann-session-s:${PASSWORD}@`);
      return (await run('curl', [...flags, '-x', socks, url])).stdout;
    },
  },
  wget: {
    program: '/usr/bin/wget',
    async get(gateway, url) {
      const env = { ...process.env, http_proxy: proxyUrl(gateway), https_proxy: proxyUrl(gateway), no_proxy: '' };
      const flags = ['-S', '-O', '/dev/null', '--tries=1', '--timeout=20', `--ca-certificate=${ca}`];
      const { stderr } = await run('wget', [...flags, url], { env });
      return [...stderr.matchAll(/HTTP\/1\.1 (\d{3})/g)].at(-1)?.[1] ?? stderr;
    },
  },
  python: {
    program: '/usr/bin/python3',
    async get(gateway, url) {
      const code = [
        'import ssl, sys, urllib.request as u',
        'proxy = u.ProxyHandler({"http": sys.argv[1], "https": sys.argv[1]})',
        'tls = u.HTTPSHandler(context=ssl.create_default_context(cafile=sys.argv[3]))',
        'print(u.build_opener(proxy, tls).open(sys.argv[2], timeout=20).status, end="")',
      ].join('\n');
      return (await run('/usr/bin/python3', ['-c', code, proxyUrl(gateway), url, ca])).stdout;
    },
  },
};

function skips(program: string): boolean {
  if (!existsSync(program) && process.env['CI']) throw new Error(`${program} must be there in CI`);
  return !existsSync(program);
}

describe('upstreams with passwords', () => {
  for (const name of ['squid', 'tinyproxy', 'dante', 'microsocks'] as const) {
    const state = availability(name, { authenticated: true });
    test.skipIf(!state.available)(`${name} carries curl, wget, Python and Node, plain and TLS`, async () => {
      const upstream = await startRealServer(name, { authenticated: true });
      const gateway = await startGateway([upstream.url], SETTING);
      for (const [client, { program, get }] of Object.entries(clients)) {
        if (skips(program)) continue;
        const seen = [await get(gateway, `${plain.url}/status/203`), await get(gateway, overTls())];
        expect({ client, seen }).toEqual({ client, seen: ['203', '203'] });
      }
      const login = `Basic ${Buffer.from(`ann:${PASSWORD}`).toString('base64')}`;
      const headers = { 'Proxy-Authorization': login };
      expect((await ask(gateway.handle, `${plain.url}/status/203`, { headers })).status).toBe(203);
      await expect.poll(() => gateway.log.length).toBeGreaterThanOrEqual(9);
      expect(gateway.log.filter(({ status }) => status !== 200 && status !== 203 && status !== 407)).toEqual([]);
      expect(JSON.stringify(gateway.log)).not.toContain('canary');
      expect([...plain.requests, ...secure.requests].some(({ headers: seen }) => 'proxy-authorization' in seen)).toBe(
        false,
      );
      await upstream.stop();
    });
  }
});

const CHROMIUM = '/usr/bin/chromium';

test.skipIf(skips(CHROMIUM))('headless Chromium loads pages, plain and over TLS', async () => {
  const proxies = await Promise.all([startHttpProxy(), startHttpProxy()]);
  const gateway = await startGateway(
    proxies.map(({ url }) => url),
    { anonymous: true },
  );
  // A profile for each load: the last one may still hold its own, and a second browser on it would only knock and leave.
  const load = async (url: string): Promise<string> => {
    const profile = `--user-data-dir=${await mkdtemp(join(directory, 'chromium-'))}`;
    return (await run(CHROMIUM, [...flags, profile, '--dump-dom', url], { timeout: 60_000 })).stdout;
  };
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-gpu',
    '--ignore-certificate-errors',
    // Loopback is not proxied unless it is said so.
    '--proxy-bypass-list=<-loopback>',
    `--proxy-server=${gateway.handle.url}`,
  ];
  const page = `${secure.url.replace('127.0.0.1', 'localhost')}/echo`;
  expect(await load(page)).toContain('"path":"/echo"');
  expect(await load(`${plain.url}/echo`)).toContain('"path":"/echo"');
  await expect
    .poll(() => gateway.log.some(({ kind, target }) => kind === 'connect' && target === `localhost:${secure.port}`))
    .toBe(true);
  expect(gateway.log.some(({ kind, target }) => kind === 'plain' && target === `127.0.0.1:${plain.port}`)).toBe(true);
  await Promise.all(proxies.map((server) => server.close()));
});
