import { Configuration, LogLevel, log } from '@crawlee/core';
import { PlaywrightCrawler, type PlaywrightCrawlerOptions, type PlaywrightCrawlingContext } from '@crawlee/playwright';
import { createPool, type Pool } from '@fairlead/core';
import { crawleePool, type PoolProxyInfo } from '@fairlead/crawlee';
import {
  chromiumAvailability,
  findChromium,
  startFault,
  startHttpProxy,
  startSocksProxy,
  type Target,
} from '@fairlead/lab';
import { chromium } from 'playwright';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSite } from './site.js';

log.setLevel(LogLevel.OFF);
const { available } = chromiumAvailability();
const credentials = { user: 'lab', password: 'secret' };
const BANNED = '127.81.0.1';

let site: Target;
let pool: Pool;
const open: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  site = await startSite(2, { refuse: ({ remoteAddress }) => (remoteAddress === BANNED ? 403 : undefined) });
  const proxies = await Promise.all([
    startHttpProxy({ credentials, exit: BANNED }),
    startHttpProxy({ credentials, exit: '127.81.0.2' }),
    startSocksProxy({ credentials, exit: '127.81.0.3' }),
    startFault('http', 'refuse-tcp'),
  ]);
  pool = createPool({ proxies: proxies.map(({ url }) => url), policy: 'rotate' });
  open.push(site, pool, ...proxies);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function crawl(pages: number, launch: PlaywrightCrawlerOptions['launchContext'] = {}) {
  const seen: { readonly exit: string; readonly session: string; readonly retries: number }[] = [];
  const failed: Error[] = [];
  const { executablePath, args } = findChromium()!;
  const crawler = new PlaywrightCrawler(
    {
      ...crawleePool<PlaywrightCrawlingContext>(pool, {
        gateway: { allowPrivate: 'all' },
        failedRequestHandler: (_, error) => void failed.push(error),
      }),
      headless: true,
      maxConcurrency: 3,
      maxRequestRetries: 0,
      browserPoolOptions: { useFingerprints: false },
      launchContext: { launcher: chromium, launchOptions: { executablePath, args: [...args] }, ...launch },
      requestHandler: ({ proxyInfo, session, request }) => {
        const { endpoint = '' } = proxyInfo as PoolProxyInfo;
        seen.push({ exit: endpoint, session: session?.id ?? '', retries: request.retryCount });
      },
    },
    new Configuration({ persistStorage: false }),
  );
  await crawler.run(Array.from({ length: pages }, (_, index) => `${site.url}/visit/c${index}`));
  return { seen, failed };
}

describe.skipIf(!available)('PlaywrightCrawler', () => {
  // Set aside: a page is lost now and then, for a reason not found yet (docs/results.md).
  test.each([['useIncognitoPages'], ['browserPerProxy']])(
    'with %s each page leaves by the exit that its proxyInfo names',
    async (flag) => {
      const { seen, failed } = await crawl(6, { [flag]: true });
      expect(failed).toEqual([]);
      expect(seen).toHaveLength(6);
      expect(seen.map(({ retries }) => retries)).toEqual(seen.map(() => 0));
      expect(seen.every(({ exit }) => exit !== '')).toBe(true);
      const sessions = new Map(seen.map(({ session, exit }) => [session, exit]));
      expect(seen.every(({ session, exit }) => sessions.get(session) === exit)).toBe(true);
      expect(site.requests.every(({ remoteAddress }) => remoteAddress.startsWith('127.81.'))).toBe(true);
    },
  );

  test('pages that would all share the first one’s proxy are refused, and told what to set', async () => {
    await expect(crawl(3)).rejects.toThrow('launchContext.useIncognitoPages');
    expect(site.requests).toEqual([]);
  });
});
