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
  startStunServer,
  type Target,
} from '@fairlead/lab';
import { chromium } from 'playwright';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSite } from './site.js';

log.setLevel(LogLevel.OFF);
const { available } = chromiumAvailability();
const credentials = { user: 'lab', password: 'secret' };
/** As the manual has them. */
const QUIET = ['--webrtc-ip-handling-policy=disable_non_proxied_udp', '--disable-quic'];
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
  // Each proxy is tagged with the address that the site sees.
  const tags = [[BANNED], ['127.81.0.2'], ['127.81.0.3'], ['dead']];
  pool = createPool({ proxies: proxies.map(({ url }, index) => ({ url, tags: tags[index]! })), policy: 'rotate' });
  open.push(site, pool, ...proxies);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

interface Seen {
  readonly path: string;
  readonly tags: readonly string[];
  readonly exit: string;
  readonly session: string;
  readonly proxySession: string | undefined;
  readonly retries: number;
}

type Options = Pick<PlaywrightCrawlerOptions, 'launchContext' | 'requestHandler' | 'sessionPoolOptions'>;

async function crawl(pages: number, { launchContext, ...options }: Options = {}) {
  const seen: Seen[] = [];
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
      launchContext: {
        launcher: chromium,
        launchOptions: { executablePath, args: [...args, ...QUIET] },
        ...launchContext,
      },
      requestHandler: ({ proxyInfo, session, request }) => {
        const { endpoint = '', tags, sessionId } = proxyInfo as PoolProxyInfo;
        const { pathname: path } = new URL(request.url);
        const retries = request.retryCount;
        seen.push({ path, tags, exit: endpoint, session: session?.id ?? '', proxySession: sessionId, retries });
      },
      ...options,
    },
    new Configuration({ persistStorage: false }),
  );
  await crawler.run(Array.from({ length: pages }, (_, index) => `${site.url}/visit/c${index}`));
  return { seen, failed };
}

describe.skipIf(!available)('PlaywrightCrawler', () => {
  test.each([
    ['useIncognitoPages', { useIncognitoPages: true }],
    ['useIncognitoPages and browserPerProxy', { useIncognitoPages: true, browserPerProxy: true }],
  ] as const)('with %s each page leaves by the exit that its proxyInfo names', async (_, launchContext) => {
    const { seen, failed } = await crawl(6, { launchContext });
    expect(failed).toEqual([]);
    expect(seen).toHaveLength(6);
    for (const { path, tags, exit, session, proxySession, retries } of seen) {
      const last = site.requests.findLast((request) => request.path === path);
      expect([last?.remoteAddress, proxySession, retries]).toEqual([tags[0], session, 0]);
      expect(exit).not.toBe('');
    }
    // Each session has been seen at one address, but for those that were banned on their way.
    const exits = new Map(seen.map(({ session, exit }) => [session, exit]));
    expect(seen.filter(({ session, exit }) => exits.get(session) !== exit)).toEqual([]);
    expect(site.requests.every(({ remoteAddress }) => remoteAddress.startsWith('127.81.'))).toBe(true);
  });

  test('a crawl sends no WebRTC packet past its proxies under the settings of the manual', async () => {
    const stun = await startStunServer();
    const gathered: unknown[] = [];
    const requestHandler: PlaywrightCrawlerOptions['requestHandler'] = async ({ page }) => {
      gathered.push(await page.evaluate(gatherCandidates, stun.port));
    };
    try {
      await crawl(3, { launchContext: { useIncognitoPages: true }, requestHandler });
      expect([gathered.length, stun.packets]).toEqual([3, 0]);
    } finally {
      await stun.close();
    }
  });

  test('pages that would all share the first one’s proxy are refused, and told what to set', async () => {
    await expect(crawl(3)).rejects.toThrow('launchContext.useIncognitoPages');
    expect(site.requests).toEqual([]);
  });

  test('pages that would have another session than their proxy are refused, too', async () => {
    await expect(crawl(3, { launchContext: { browserPerProxy: true } })).rejects.toThrow(
      'launchContext.useIncognitoPages',
    );
    expect(site.requests).toEqual([]);
  });
});

async function gatherCandidates(port: number): Promise<string> {
  const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${port}` }] });
  peer.createDataChannel('any');
  const complete = new Promise<void>((resolve) => {
    peer.addEventListener('icegatheringstatechange', () => peer.iceGatheringState === 'complete' && resolve());
  });
  await peer.setLocalDescription(await peer.createOffer());
  await complete;
  peer.close();
  return peer.iceGatheringState;
}
