import {
  chromiumAvailability,
  findChromium,
  startHttpProxy,
  type ProxyServer,
  type Target,
  type TargetRequest,
} from '@fairlead/lab';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSite } from './site.js';

const CONTEXTS = 24;
const PARTS = 28;

const { available } = chromiumAvailability();

// What the whole adapter stands on: one proxy port, one user name for each context, and a Chromium that mixes up nothing.
describe.skipIf(!available)('contexts with user names of their own on one proxy port', () => {
  let browser: Browser;
  beforeAll(async () => {
    const { executablePath, args } = findChromium()!;
    browser = await chromium.launch({ executablePath, args: [...args] });
  });
  afterAll(() => browser.close());

  test('over plain HTTP, HTTP/1.1 and HTTP/2 no connection is shared, and no user name is shown by another', async () => {
    const sites = await Promise.all([
      startSite(PARTS),
      startSite(PARTS, { certificate: 'good' }),
      startSite(PARTS, { certificate: 'good', http2: true }),
    ]);
    const credentials = { user: 'any', password: 'secret' };
    const proxy = await startHttpProxy({ credentials, anyUser: true, exits: 'each-tunnel' });
    try {
      await Promise.all(Array.from({ length: CONTEXTS }, (_, index) => visit(browser, sites, proxy, `c${index}`)));
      const requests = sites.flatMap((site) => site.requests);
      expect(requests.length).toBeGreaterThanOrEqual(2000);
      expect(new Set(requests.map(({ httpVersion }) => httpVersion))).toEqual(new Set(['1.1', '2.0']));
      expect(sharedConnections(proxy)).toEqual([]);
      expect(strangers(requests, proxy)).toEqual([]);
      expect(proxy.requests.filter(({ credentials }) => credentials === undefined).length).toBeGreaterThan(0);
    } finally {
      await Promise.all([...sites, proxy].map((server) => server.close()));
    }
  });

  test('a context without a user name gets no answer, and takes nobody else’s', async () => {
    const site = await startSite(0, { certificate: 'good' });
    const proxy = await startHttpProxy({ credentials: { user: 'any', password: 'secret' }, anyUser: true });
    try {
      await visit(browser, [site], proxy, 'c0');
      const context = await browser.newContext({ proxy: { server: `http://127.0.0.1:${proxy.port}` } });
      const page = await context.newPage();
      const before = site.requests.length;
      await expect(page.goto(`${site.url}/visit/nobody`)).rejects.toThrow('ERR_INVALID_AUTH_CREDENTIALS');
      expect(site.requests.length).toBe(before);
      await context.close();
    } finally {
      await Promise.all([site.close(), proxy.close()]);
    }
  });
});

async function visit(browser: Browser, sites: readonly Target[], proxy: ProxyServer, username: string): Promise<void> {
  const server = `http://127.0.0.1:${proxy.port}`;
  const context = await browser.newContext({ proxy: { server, username, password: 'secret' } });
  const page = await context.newPage();
  for (const site of sites) await page.goto(`${site.url}/visit/${username}`, { waitUntil: 'load' });
  await context.close();
}

/** Connections on which more than one user name was shown. */
function sharedConnections({ requests }: ProxyServer): readonly string[][] {
  const users = new Map<object, Set<string>>();
  for (const { connection, credentials } of requests) {
    if (connection === undefined || credentials === undefined) continue;
    users.set(connection, (users.get(connection) ?? new Set()).add(credentials.user));
  }
  return [...users.values()].filter(({ size }) => size > 1).map((names) => [...names]);
}

/** Requests that reached the site through a tunnel that somebody else had opened. */
function strangers(requests: readonly TargetRequest[], proxy: ProxyServer): readonly string[] {
  const owners = new Map(proxy.requests.map(({ exit, credentials }) => [exit, credentials?.user]));
  return requests
    .filter(({ path, remoteAddress }) => owners.get(remoteAddress) !== path.split('/')[2])
    .map(({ path, remoteAddress }) => `${path} came from ${remoteAddress} of ${owners.get(remoteAddress)}`);
}
