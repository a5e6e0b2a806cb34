import { createPool } from '@fairlead/core';
import { chromiumAvailability, findChromium, startHttpProxy } from '@fairlead/lab';
import { proxyFor } from '@fairlead/playwright';
import { launch } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSite } from './site.js';

const CONTEXTS = 6;
const PAGES = 3;
const { available } = chromiumAvailability();

type Chromium = Awaited<ReturnType<typeof launch>>;

describe.skipIf(!available)('Puppeteer, by hand as the manual says', () => {
  const credentials = { user: 'canary-user', password: 'canary-pass' };
  const pool = createPool();
  const provider = proxyFor(pool, { gateway: { allowPrivate: 'all' } });
  let browser: Chromium;
  let site: Awaited<ReturnType<typeof startSite>>;
  let exits: Awaited<ReturnType<typeof startHttpProxy>>[];
  beforeAll(async () => {
    exits = await Promise.all([1, 2, 3].map((n) => startHttpProxy({ credentials, exit: `127.80.2.${n}` })));
    pool.update({ proxies: exits.map(({ url }) => url) });
    site = await startSite(3, { certificate: 'good' });
    const { executablePath, args } = findChromium()!;
    const server = `--proxy-server=${await provider.server()}`;
    const proxied = [server, '--proxy-bypass-list=<-loopback>'];
    browser = await launch({ executablePath, args: [...args, ...proxied], acceptInsecureCerts: true });
  });
  afterAll(async () => {
    await browser.close();
    await provider.close();
    await Promise.all([site, pool, ...exits].map((server) => server.close()));
  });

  test('each context keeps to its exit, and nothing goes past the pool', async () => {
    const visits = Array.from({ length: CONTEXTS }, (_, index) => visit(`visitor-${index}`));
    await Promise.all(visits);
    const seen = new Map<string, Set<string>>();
    for (const { path, remoteAddress } of site.requests) {
      const visitor = /visitor-\d+/.exec(path)?.[0];
      if (visitor !== undefined) seen.set(visitor, (seen.get(visitor) ?? new Set()).add(remoteAddress));
    }
    expect(seen.size).toBe(CONTEXTS);
    for (const addresses of seen.values()) {
      expect([...addresses]).toEqual([expect.stringMatching(/^127\.80\.2\.[123]$/)]);
    }
    // Connections of a closed context end a moment after it.
    await expect.poll(() => pool.stats().inFlight).toBe(0);
  });

  async function visit(visitor: string): Promise<void> {
    const { proxy, release } = await provider.proxy({ session: visitor });
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.authenticate({ username: proxy.username, password: proxy.password });
    for (let index = 0; index < PAGES; index += 1) {
      const answer = await page.goto(`${site.url}/visit/${visitor}?${index}`);
      expect(answer?.status()).toBe(200);
    }
    await context.close();
    release();
  }
});
