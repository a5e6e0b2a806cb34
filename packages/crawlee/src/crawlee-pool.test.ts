import { CheerioCrawler, type CheerioCrawlerOptions, type CheerioCrawlingContext } from '@crawlee/cheerio';
import { Configuration, LogLevel, log, type RequestOptions } from '@crawlee/core';
import { HttpCrawler } from '@crawlee/http';
import { ImpitHttpClient } from '@crawlee/impit-client';
import { once } from 'node:events';
import { connect } from 'node:net';
import { inspect } from 'node:util';
import { createPool, tiers, type EndpointId, type Pool, type PoolOptions } from '@fairlead/core';
import { seededRandom } from '@fairlead/core/testing';
import {
  shopRoutes,
  startFault,
  startHttpProxy,
  startSocksProxy,
  startTarget,
  type Exchange,
  type LabServer,
  type ProxyServer,
  type Target,
  type TargetOptions,
} from '@fairlead/lab';
import { afterEach, describe, expect, test } from 'vitest';
import { crawleePool } from './crawlee-pool.js';
import type { CrawleePoolOptions } from './options.js';
import type { PoolProxyInfo } from './page.js';
import { PoolProxyConfiguration } from './pool-proxy-configuration.js';
import { tieredProxies } from './tiers.js';

log.setLevel(LogLevel.OFF);

const credentials = { user: 'canary-user', password: 'canary-pass' };
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function kept<T extends { close(): Promise<void> }>(starting: T | Promise<T>): Promise<T> {
  const server = await starting;
  open.push(server);
  return server;
}

const exitOf = (n: number): string => `127.78.0.${n}`;
const startProxy = (n: number): Promise<ProxyServer> => kept(startHttpProxy({ credentials, exit: exitOf(n) }));
const startSite = (options: TargetOptions = {}): Promise<Target> =>
  kept(startTarget({ routes: shopRoutes(), ...options }));

async function poolOf(proxies: readonly LabServer[], options: PoolOptions = {}): Promise<Pool> {
  return kept(createPool({ proxies: proxies.map(({ url }) => url), policy: 'rotate', ...options }));
}

/** Resolves once every place has been given back: tunnels close a moment after their pages. */
function quiet(pool: Pool): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => void (pool.stats().inFlight === 0 && resolve());
    pool.on('settled', look);
    look();
  });
}

/** How many listeners the pool has got since then and not lost again. */
function listenersOf(pool: Pool): () => number {
  let count = 0;
  const on = pool.on.bind(pool);
  pool.on = (event, listener) => {
    count += 1;
    const off = on(event, listener);
    return () => {
      count -= 1;
      off();
    };
  };
  return () => count;
}

function gate(): readonly [Promise<void>, () => void] {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return [opened, () => open()];
}

type Terms = CrawleePoolOptions<CheerioCrawlingContext> & { readonly onRetry?: () => void };
type Seen = { readonly url: string; readonly retries: number; readonly info: PoolProxyInfo; readonly session: string };

/** What became of a crawl. */
interface Crawled {
  readonly pages: Seen[];
  readonly failed: Error[];
  /** Failures that Crawlee told the user's handler of. */
  readonly retried: Error[];
}

const LOCAL = { gateway: { allowPrivate: 'all' as const } };

async function crawl(
  pool: Pool,
  requests: readonly (string | RequestOptions)[],
  options: Partial<CheerioCrawlerOptions> = {},
  { onRetry, ...terms }: Terms = {},
): Promise<Crawled> {
  const crawled: Crawled = { pages: [], failed: [], retried: [] };
  const crawler = new CheerioCrawler(
    {
      maxConcurrency: 4,
      navigationTimeoutSecs: 8,
      ...crawleePool<CheerioCrawlingContext>(pool, {
        ...LOCAL,
        ...terms,
        errorHandler: (_, error) => {
          crawled.retried.push(error);
          onRetry?.();
        },
        failedRequestHandler: (_, error) => void crawled.failed.push(error),
      }),
      requestHandler: ({ request, proxyInfo, session }) => {
        const { url, retryCount } = request;
        crawled.pages.push({ url, retries: retryCount, info: proxyInfo as PoolProxyInfo, session: session?.id ?? '' });
      },
      ...options,
    },
    new Configuration({ persistStorage: false }),
  );
  await crawler.run([...requests]);
  return crawled;
}

const pagesOf = ({ url }: LabServer, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${url}/item/1?page=${index}`);

describe.each([
  ['http', {}],
  ['https', { certificate: 'good' }],
] as const)('pages of an %s site', (_, site) => {
  test('all go through the pool, are reported, and leave nothing behind', async () => {
    const target = await startSite(site);
    const pool = await poolOf(await Promise.all([1, 2, 3].map(startProxy)));
    const { pages, failed } = await crawl(pool, pagesOf(target, 20));
    expect(failed).toEqual([]);
    expect(pages).toHaveLength(20);
    expect(target.requests.every(({ remoteAddress }) => remoteAddress.startsWith('127.78.'))).toBe(true);
    await quiet(pool);
    expect(pool.stats()).toMatchObject({ attempts: 20, succeeded: 20, inFlight: 0 });
  });

  test('dead and hanging proxies cost a page nothing', async () => {
    const target = await startSite(site);
    const broken = await Promise.all([
      kept(startFault('http', 'refuse-tcp', { credentials })),
      kept(startFault('http', 'reset-after-request', { credentials })),
      kept(startFault('socks5', 'close-after-auth', { credentials })),
      kept(startFault('http', 'silent-on-accept', { credentials })),
      kept(startFault('http', 'silent-after-request', { credentials })),
    ]);
    const pool = await poolOf([...broken, await startProxy(1)]);
    const options = { maxRequestRetries: 0, navigationTimeoutSecs: 6 };
    const { pages, failed, retried } = await crawl(pool, pagesOf(target, 12), options);
    expect([failed, retried]).toEqual([[], []]);
    expect(pages.map(({ retries }) => retries)).toEqual(pages.map(() => 0));
    expect(pages).toHaveLength(12);
  });

  test('a page that an exit is banned from goes through another, and keeps its retries', async () => {
    const target = await startSite({
      ...site,
      refuse: ({ remoteAddress }) => (remoteAddress === exitOf(1) ? 403 : undefined),
    });
    const pool = await poolOf(await Promise.all([1, 2].map(startProxy)));
    const { pages, failed } = await crawl(pool, pagesOf(target, 12), { maxRequestRetries: 0 });
    expect(failed).toEqual([]);
    expect(pages.map(({ retries }) => retries)).toEqual(pages.map(() => 0));
    expect(pages).toHaveLength(12);
    expect(target.requests.some(({ remoteAddress }) => remoteAddress === exitOf(1))).toBe(true);
    expect(pages.every(({ info }) => info.endpoint !== undefined)).toBe(true);
  });

  test('what fails in the user’s handler is retried as often as Crawlee would, and blames no proxy', async () => {
    const target = await startSite(site);
    const pool = await poolOf([await startProxy(1)]);
    const requestHandler = (): never => {
      throw new Error('mine');
    };
    const { failed, retried } = await crawl(pool, pagesOf(target, 1), { maxRequestRetries: 2, requestHandler });
    expect([failed.length, retried.length, target.requests.length]).toEqual([1, 2, 3]);
    expect(pool.stats()).toMatchObject({ attempts: 3, succeeded: 3 });
  });
});

describe('sessions', () => {
  const single = { useSessionPool: true, sessionPoolOptions: { maxPoolSize: 1 } };

  test('a session keeps its exit from page to page', async () => {
    const target = await startSite();
    const pool = await poolOf(await Promise.all([1, 2, 3, 4].map(startProxy)));
    const { pages } = await crawl(pool, pagesOf(target, 12), single);
    expect(new Set(pages.map(({ session }) => session)).size).toBe(1);
    expect(new Set(target.requests.map(({ remoteAddress }) => remoteAddress)).size).toBe(1);
    expect(pool.sessions.lookup(pages[0]!.session)).toBe(pages[0]!.info.endpoint);
  });

  test('one that is retired gives its exit up', async () => {
    const target = await startSite();
    const pool = await poolOf([await startProxy(1)]);
    const ended: (EndpointId | undefined)[] = [];
    const requestHandler: CheerioCrawlerOptions['requestHandler'] = ({ session }) => {
      ended.push(pool.sessions.lookup(session!.id));
      session!.retire();
      ended.push(pool.sessions.lookup(session!.id));
    };
    await crawl(pool, pagesOf(target, 1), { ...single, requestHandler });
    expect(ended).toEqual([pool.stats().endpoints[0]!.id, undefined]);
  });

  test('one that loses its exit is retired, and its page goes on in another at no cost', async () => {
    const target = await startSite();
    const proxies = await Promise.all([1, 2].map(startProxy));
    const pool = await poolOf(proxies);
    const seen: string[] = [];
    const requestHandler: CheerioCrawlerOptions['requestHandler'] = async ({ request, session, proxyInfo }) => {
      seen.push(session!.id);
      expect(request.retryCount).toBe(0);
      if (seen.length > 1) return;
      const exit = (proxyInfo as PoolProxyInfo).endpoint!;
      await proxies.find(({ port }) => exit.includes(`:${port}#`))!.close();
    };
    const options = { ...single, requestHandler, maxConcurrency: 1, maxRequestRetries: 0 };
    const { failed } = await crawl(pool, pagesOf(target, 4), options);
    expect(failed).toEqual([]);
    expect(seen).toHaveLength(4);
    expect(new Set(seen).size).toBe(2);
    expect(new Set(target.requests.map(({ remoteAddress }) => remoteAddress)).size).toBe(2);
  });

  test('a crawl that is over leaves no gateway and no listener behind, and its settings serve another', async () => {
    const target = await startSite({ certificate: 'good' });
    const pool = await poolOf([await startProxy(1)]);
    const heard = listenersOf(pool);
    let pages = 0;
    const ports: string[] = [];
    const options: CheerioCrawlerOptions = {
      ...crawleePool(pool, LOCAL),
      requestHandler: ({ proxyInfo }) => {
        pages += 1;
        ports.push(`${proxyInfo!.port}`);
      },
    };
    for (let run = 1; run <= 2; run += 1) {
      await new CheerioCrawler(options, new Configuration({ persistStorage: false })).run(pagesOf(target, 3));
      expect([pages, heard()]).toEqual([run * 3, 0]);
      const socket = connect(Number(ports.at(-1)), '127.0.0.1');
      const [refused] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      expect(refused.code).toBe('ECONNREFUSED');
    }
    expect(new Set(ports).size).toBe(2);
  });

  test('without Crawlee’s session pool each page takes what is best', async () => {
    const target = await startSite();
    const pool = await poolOf(await Promise.all([1, 2, 3].map(startProxy)));
    const { pages } = await crawl(pool, pagesOf(target, 30), { useSessionPool: false });
    expect(pages).toHaveLength(30);
    expect(new Set(target.requests.map(({ remoteAddress }) => remoteAddress)).size).toBeGreaterThan(1);
    await quiet(pool);
    expect(pool.stats()).toMatchObject({ activeSessions: 0, inFlight: 0 });
  });
});

describe('what a page asks for', () => {
  test('its tags, beside those of the crawler', async () => {
    const target = await startSite();
    const [one, two, three] = await Promise.all([1, 2, 3].map(startProxy));
    const pool = await poolOf([], {
      proxies: [
        { url: one!.url, tags: ['eu'] },
        { url: two!.url, tags: ['eu', 'fast'] },
        { url: three!.url, tags: ['fast'] },
      ],
    });
    const [page = ''] = pagesOf(target, 1);
    const { pages } = await crawl(
      pool,
      [{ url: page, userData: { fairlead: { tags: ['fast'] } } }],
      {},
      { tags: ['eu'] },
    );
    expect(pages[0]!.info).toMatchObject({ tags: ['eu', 'fast'], tier: 0 });
    expect(target.requests.map(({ remoteAddress }) => remoteAddress)).toEqual([exitOf(2)]);
  });

  test('a word that nobody knows fails the page at once, by name', async () => {
    const target = await startSite();
    const pool = await poolOf([await startProxy(1)]);
    const [page = ''] = pagesOf(target, 1);
    const { failed } = await crawl(pool, [{ url: page, userData: { fairlead: { tag: ['eu'] } } }]);
    expect(failed).toHaveLength(1);
    expect(failed[0]!.message).toContain("did you mean 'tags'");
    expect(target.requests).toEqual([]);
  });

  test('a page that a cheap tier is refused goes up a tier, at no cost', async () => {
    const target = await startSite({
      refuse: ({ path, remoteAddress }) => (path.includes('page=1') && remoteAddress !== exitOf(3) ? 403 : undefined),
    });
    const [one, two, dear] = await Promise.all([1, 2, 3].map(startProxy));
    const pool = await poolOf([], {
      proxies: tieredProxies([[one!.url, two!.url], [dear!.url]]),
      strategy: tiers(),
      random: seededRandom(3),
    });
    const { pages } = await crawl(pool, pagesOf(target, 4), { maxRequestRetries: 0 });
    expect(pages).toHaveLength(4);
    expect(pages.find(({ url }) => url.endsWith('page=1'))).toMatchObject({ retries: 0, info: { tier: 1 } });
    expect(target.requests.filter(({ path }) => path.includes('page=1'))).toHaveLength(2);
  });
});

describe('when no proxy can carry a page', () => {
  test('it waits for one, at no cost', async () => {
    const target = await startSite();
    const proxy = await startProxy(1);
    const pool = await poolOf([]);
    const heard = (): void => void (pool.stats().proxies.total === 0 && pool.add(proxy.url));
    const crawled = crawl(pool, pagesOf(target, 2), { maxRequestRetries: 0 }, { onRetry: heard });
    const { pages, failed } = await crawled;
    expect(failed).toEqual([]);
    expect(pages.map(({ retries }) => retries)).toEqual([0, 0]);
    expect(target.requests.every(({ remoteAddress }) => remoteAddress === exitOf(1))).toBe(true);
  });

  test.each(['http', 'https'] as const)('fail-page fails it at once (%s)', async (scheme) => {
    const target = await startSite(scheme === 'https' ? { certificate: 'good' } : {});
    const pool = await poolOf([]);
    const { failed, retried } = await crawl(pool, pagesOf(target, 2), {}, { onExhausted: 'fail-page' });
    expect([failed.length, retried.length]).toEqual([2, 0]);
    expect(failed[0]!.cause).toMatchObject({ code: 'POOL_EXHAUSTED' });
    expect(target.connections.opened).toBe(0);
  });

  test.each(['http', 'https'] as const)('stop-crawl ends the crawl (%s)', async (scheme) => {
    const target = await startSite(scheme === 'https' ? { certificate: 'good' } : {});
    const pool = await poolOf([await kept(startFault('http', 'refuse-tcp'))]);
    await expect(crawl(pool, pagesOf(target, 3), {}, { onExhausted: 'stop-crawl' })).rejects.toThrow(
      /PROXY_CONNECT|POOL_EXHAUSTED/,
    );
    expect(target.connections.opened).toBe(0);
  });

  test('a pool that was closed ends the crawl, too', async () => {
    const target = await startSite();
    const pool = await poolOf([await startProxy(1)]);
    await pool.close();
    await expect(crawl(pool, pagesOf(target, 1))).rejects.toThrow('POOL_CLOSED');
    expect(target.connections.opened).toBe(0);
  });
});

describe('other clients and proxies', () => {
  test('SOCKS with a password, and Crawlee’s client over impit', async () => {
    const target = await startSite({ certificate: 'good' });
    const pool = await poolOf([await kept(startSocksProxy({ credentials, exit: exitOf(1) }))]);
    const httpClient = new ImpitHttpClient({ ignoreTlsErrors: true });
    const { pages, failed } = await crawl(pool, pagesOf(target, 6), { httpClient });
    expect(failed).toEqual([]);
    expect(pages).toHaveLength(6);
    expect(target.requests.every(({ remoteAddress }) => remoteAddress === exitOf(1))).toBe(true);
  });

  test('sendRequest in the handler leaves by the exit of the page', async () => {
    const target = await startSite();
    const pool = await poolOf(await Promise.all([1, 2, 3].map(startProxy)));
    const requestHandler: CheerioCrawlerOptions['requestHandler'] = async ({ sendRequest }) => {
      await sendRequest({ url: `${target.url}/echo` });
    };
    const { failed } = await crawl(pool, pagesOf(target, 5), {
      requestHandler,
      useSessionPool: true,
      maxConcurrency: 1,
      sessionPoolOptions: { maxPoolSize: 1 },
    });
    expect(failed).toEqual([]);
    expect(target.requests).toHaveLength(10);
    expect(new Set(target.requests.map(({ remoteAddress }) => remoteAddress)).size).toBe(1);
    await pool.close();
  });

  test.each([
    ['http', {}],
    ['https', { certificate: 'good' }],
  ] as const)('and is not cut off when other pages of its session end (%s)', async (_, site) => {
    const [asked, ask] = gate();
    const [released, answer] = gate();
    const page = ({ response }: Exchange): void =>
      void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>');
    const routes = {
      first: page,
      // By now the first page has been read, and its handler waits for an answer of its own.
      other: (exchange: Exchange) => void asked.then(() => page(exchange)),
      slow: ({ response }: Exchange): void => {
        ask();
        void released.then(() => response.end('slow'));
      },
    };
    const target = await startSite({ ...site, routes });
    const pool = await poolOf(await Promise.all([1, 2].map(startProxy)));
    const bodies: string[] = [];
    let others = 0;
    const requestHandler: CheerioCrawlerOptions['requestHandler'] = async ({ request, sendRequest }) => {
      if (request.url.endsWith('first')) {
        const { body } = await sendRequest({ url: `${target.url}/slow`, retry: { limit: 0 } });
        bodies.push(body);
        return;
      }
      others += 1;
      if (others < 3) return;
      // Takes longer than to see that the last of them was read.
      await sendRequest({ url: `${target.url}/echo` });
      answer();
    };
    const urls = ['first', ...[1, 2, 3].map((n) => `other?${n}`)].map((path) => `${target.url}/${path}`);
    const { failed } = await crawl(pool, urls, {
      requestHandler,
      useSessionPool: true,
      minConcurrency: 4,
      sessionPoolOptions: { maxPoolSize: 1 },
    });
    expect([failed, bodies]).toEqual([[], ['slow']]);
    expect(new Set(target.requests.map(({ remoteAddress }) => remoteAddress)).size).toBe(1);
    await quiet(pool);
  });

  test('the configuration alone keeps no exit between pages, and judges tunnels', async () => {
    const target = await startSite({ certificate: 'good' });
    const pool = await poolOf([await startProxy(1)]);
    const proxyConfiguration = new PoolProxyConfiguration(pool, LOCAL);
    let pages = 0;
    const crawler = new CheerioCrawler(
      { proxyConfiguration, requestHandler: () => void (pages += 1) },
      new Configuration({ persistStorage: false }),
    );
    await crawler.run(pagesOf(target, 6));
    await quiet(pool);
    expect(pages).toBe(6);
    // got-scraping asks for the protocol over a tunnel of its own first.
    const { attempts, succeeded, inFlight } = pool.stats();
    expect([attempts >= 6, succeeded - attempts, inFlight]).toEqual([true, 0, 0]);
  });

  test('a page without navigation holds no exit when its handler has ended', async () => {
    const target = await startSite();
    const pool = await poolOf([await startProxy(1)]);
    const requestHandler: CheerioCrawlerOptions['requestHandler'] = async ({ sendRequest }) => {
      await sendRequest({ url: `${target.url}/echo` });
    };
    const [page = ''] = pagesOf(target, 1);
    const { failed } = await crawl(pool, [{ url: page, skipNavigation: true }], { requestHandler });
    await quiet(pool);
    expect(failed).toEqual([]);
    expect(target.requests.map(({ path, remoteAddress }) => [path, remoteAddress])).toEqual([['/echo', exitOf(1)]]);
  });

  test('HttpCrawler takes the same settings', async () => {
    const target = await startSite();
    const pool = await poolOf([await startProxy(1)]);
    const statuses: unknown[] = [];
    const crawler = new HttpCrawler(
      {
        ...crawleePool(pool, LOCAL),
        requestHandler: ({ response }) => void statuses.push(response.statusCode),
        additionalMimeTypes: ['*/*'],
      },
      new Configuration({ persistStorage: false }),
    );
    await crawler.run(pagesOf(target, 3));
    expect(statuses).toEqual([200, 200, 200]);
  });
});

describe('mistakes', () => {
  test('hooks that replace those of the pool are refused by name', async () => {
    const target = await startSite();
    const pool = await poolOf([await startProxy(1)]);
    const others = [
      { errorHandler: () => undefined },
      { postNavigationHooks: [] },
      { failedRequestHandler: () => undefined },
    ];
    for (const lost of others) {
      await expect(crawl(pool, pagesOf(target, 1), lost)).rejects.toThrow(
        `crawleePool(pool, { ${Object.keys(lost)[0]} })`,
      );
    }
    expect(target.requests).toEqual([]);
    // With it goes what would look at the first page before it is fetched.
    await expect(crawl(pool, pagesOf(target, 2), { preNavigationHooks: [] })).rejects.toThrow('{ preNavigationHooks }');
    expect(target.requests).toHaveLength(1);
  });

  test('options that nobody reads are refused by name', async () => {
    const pool = await poolOf([]);
    expect(() => crawleePool(pool, { onExhaust: 'wait' } as never)).toThrow("did you mean 'onExhausted'");
    expect(() => crawleePool(pool, { onExhausted: 'retry' as never })).toThrow('onExhausted: must be one of');
  });

  test('no credential of a proxy is in anything that Crawlee sees', async () => {
    const target = await startSite({ refuse: () => 403 });
    const pool = await poolOf([await startProxy(1), await kept(startFault('http', 'status-407', { credentials }))]);
    const texts: string[] = [];
    const { failed } = await crawl(
      pool,
      pagesOf(target, 2),
      { maxRequestRetries: 1 },
      {
        onExhausted: 'fail-page',
        gateway: { ...LOCAL.gateway, connectTimeoutMs: 500 },
        preNavigationHooks: [({ proxyInfo }) => void texts.push(JSON.stringify(proxyInfo))],
      },
    );
    for (const error of failed) texts.push(`${error.stack}`, inspect(error, { depth: 10 }));
    expect(failed).toHaveLength(2);
    expect(texts.join('\n')).not.toMatch(/canary/);
  });
});
