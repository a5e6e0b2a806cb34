import { CheerioCrawler, type CheerioCrawlerOptions, type CheerioCrawlingContext } from '@crawlee/cheerio';
import { Configuration, LogLevel, log, type RequestOptions } from '@crawlee/core';
import { createPool, type Pool, type PoolOptions } from '@fairlead/core';
import { shopRoutes, startFault, startHttpProxy, startTarget, type LabServer, type Target } from '@fairlead/lab';
import { afterEach, describe, expect, test } from 'vitest';
import { crawleePool } from './crawlee-pool.js';
import type { CrawleePoolOptions } from './options.js';

log.setLevel(LogLevel.OFF);

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function kept<T extends { close(): Promise<void> }>(starting: T | Promise<T>): Promise<T> {
  const server = await starting;
  open.push(server);
  return server;
}

const goodProxies = (count: number): Promise<LabServer[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => kept(startHttpProxy({ exit: `127.78.1.${n + 1}` }))));

async function poolOf(proxies: readonly LabServer[], options: PoolOptions = {}): Promise<Pool> {
  return kept(createPool({ proxies: proxies.map(({ url }) => url), policy: 'rotate', ...options }));
}

type Terms = Pick<CrawleePoolOptions<CheerioCrawlingContext>, 'onExhausted' | 'errorHandler' | 'gateway' | 'tags'>;

const LOCAL = { gateway: { allowPrivate: 'all' as const } };

/** What became of pages: those whose handler ran to its end, and the errors of those that were lost. */
async function crawl(
  pool: Pool,
  requests: readonly (string | RequestOptions)[],
  options: CheerioCrawlerOptions = {},
  terms: Terms = {},
): Promise<{ pages: { url: string; retries: number }[]; failed: Error[] }> {
  const pages: { url: string; retries: number }[] = [];
  const failed: Error[] = [];
  const crawler = new CheerioCrawler(
    {
      maxConcurrency: 4,
      maxRequestRetries: 0,
      navigationTimeoutSecs: 8,
      ...crawleePool<CheerioCrawlingContext>(pool, {
        ...LOCAL,
        ...terms,
        failedRequestHandler: (_, error) => void failed.push(error),
      }),
      requestHandler: ({ request }) => void pages.push({ url: request.url, retries: request.retryCount }),
      ...options,
    },
    new Configuration({ persistStorage: false }),
  );
  await crawler.run([...requests]);
  return { pages, failed };
}

const pagesOf = ({ url }: Target, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${url}/item/1?page=${index}`);

describe('what is the user’s own is counted as Crawlee does', () => {
  test('a session that the handler retires before it throws', async () => {
    const target = await kept(startTarget({ routes: shopRoutes() }));
    const pool = await poolOf(await goodProxies(3));
    const { failed } = await crawl(pool, pagesOf(target, 1), {
      maxRequestRetries: 2,
      requestHandler: ({ session }) => {
        session!.retire();
        throw new Error('a captcha');
      },
    });
    expect([failed.length, target.requests.length]).toEqual([1, 3]);
  });

  test('a handler that throws after a connection of its own was refused', async () => {
    const target = await kept(startTarget({ routes: shopRoutes() }));
    const pool = await poolOf(await goodProxies(1));
    pool.suspend('elsewhere.example', 'until-resumed');
    const { failed } = await crawl(pool, pagesOf(target, 1), {
      maxRequestRetries: 2,
      requestHandler: async ({ sendRequest }) => {
        await sendRequest({ url: 'http://elsewhere.example/', retry: { limit: 0 } });
        throw new Error('mine');
      },
    });
    expect([failed.length, target.requests.length]).toEqual([1, 3]);
  });

  test('how often a page may be retried, as its handlers see it', async () => {
    const target = await kept(startTarget({ routes: shopRoutes() }));
    const pool = await poolOf(await goodProxies(1));
    const [one = '', two = ''] = pagesOf(target, 2);
    const seen: (number | undefined)[] = [];
    const handlers = {
      errorHandler: ({ request }: CheerioCrawlingContext) => void seen.push(request.maxRetries),
      failedRequestHandler: ({ request }: CheerioCrawlingContext) => void seen.push(request.maxRetries),
    };
    const options: CheerioCrawlerOptions = {
      maxRequestRetries: 2,
      ...crawleePool<CheerioCrawlingContext>(pool, { ...LOCAL, ...handlers }),
      requestHandler: () => Promise.reject(new Error('mine')),
    };
    for (const page of [{ url: one, maxRetries: 1 }, two])
      await new CheerioCrawler(options, new Configuration({ persistStorage: false })).run([page]);
    expect(seen).toEqual([1, 1, undefined, undefined, undefined]);
  });

  test('a page that is refused through every exit', async () => {
    const target = await kept(startTarget({ refuse: () => 403 }));
    const pool = await poolOf(await goodProxies(12));
    const { failed } = await crawl(pool, pagesOf(target, 1), { useSessionPool: false });
    expect(failed).toHaveLength(1);
    expect(target.requests).toHaveLength(pool.policy.retry.maxAttempts);
  });

  test('a POST that is refused arrives once, unless it is said to be idempotent', async () => {
    const target = await kept(startTarget({ refuse: () => 403 }));
    const pool = await poolOf(await goodProxies(12));
    const order = { url: `${target.url}/order`, method: 'POST', payload: 'x=1', useExtendedUniqueKey: true } as const;
    await crawl(pool, [order], { useSessionPool: false });
    expect(target.requests).toHaveLength(1);
    await crawl(pool, [{ ...order, userData: { fairlead: { idempotent: true } } }], { useSessionPool: false });
    expect(target.requests).toHaveLength(1 + pool.policy.retry.maxAttempts);
  });
});

describe('what is an exit’s own costs nothing', () => {
  test.each([true, false])('a body that breaks off (sessions: %s)', async (useSessionPool) => {
    const body = 'text '.repeat(20_000);
    const target = await kept(
      startTarget({
        routes: {
          long: ({ response }) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end(`<p>${body}`),
        },
      }),
    );
    const cutter = await kept(startFault('http', 'cut-tunnel-reset', { cutAfter: 5000 }));
    const pool = await poolOf([cutter, ...(await goodProxies(1))]);
    const urls = Array.from({ length: 6 }, (_, index) => `${target.url}/long?${index}`);
    const { pages, failed } = await crawl(pool, urls, { useSessionPool });
    expect(failed).toEqual([]);
    expect(pages.map(({ retries }) => retries)).toEqual(pages.map(() => 0));
    expect(pages).toHaveLength(6);
  });

  test('a page of every day that is refused once a day, for as many days as one likes', async () => {
    let today: string | undefined;
    const refuse = ({ remoteAddress }: { readonly remoteAddress: string }): number | undefined => {
      today ??= remoteAddress;
      return today === remoteAddress ? 403 : undefined;
    };
    const target = await kept(startTarget({ routes: shopRoutes(), refuse }));
    const pool = await poolOf(await goodProxies(12));
    const failed: Error[] = [];
    let done = 0;
    const options: CheerioCrawlerOptions = {
      maxRequestRetries: 0,
      useSessionPool: false,
      ...crawleePool(pool, { ...LOCAL, failedRequestHandler: (_, error) => void failed.push(error) }),
      requestHandler: () => void (done += 1),
    };
    const days = pool.policy.retry.maxAttempts + 2;
    for (let day = 0; day < days; day += 1) {
      today = undefined;
      const crawler = new CheerioCrawler(options, new Configuration({ persistStorage: false }));
      await crawler.run([{ url: `${target.url}/item/1`, uniqueKey: 'daily' }]);
    }
    expect([failed, done]).toEqual([[], days]);
  });

  test('a tunnel that stands and stays silent', async () => {
    const target = await kept(startTarget({ routes: shopRoutes(), certificate: 'good' }));
    const silent = await kept(startFault('http', 'silent-in-tunnel'));
    const pool = await poolOf([silent, ...(await goodProxies(2))]);
    const { pages, failed } = await crawl(pool, pagesOf(target, 6), { navigationTimeoutSecs: 2 });
    expect([failed, pages.length]).toEqual([[], 6]);
  });
});

describe('a dead target', () => {
  test.each(['wait', 'stop-crawl'] as const)(
    'is no empty pool: its page fails, the others go on (%s)',
    async (onExhausted) => {
      const target = await kept(startTarget({ routes: shopRoutes() }));
      const pool = await poolOf(await goodProxies(3));
      const pages = ['https://dead.lab.test/', ...pagesOf(target, 5)];
      const crawled = await crawl(pool, pages, { maxRequestRetries: 1 }, { onExhausted });
      expect(crawled.pages).toHaveLength(5);
      expect(crawled.failed).toHaveLength(1);
      expect(crawled.failed[0]!.cause).toMatchObject({ code: 'PROXY_TUNNEL' });
      expect(pool.stats().proxies).toMatchObject({ cooling: 0 });
    },
  );

  test('the answer after a redirect is told of the host that gave it', async () => {
    let port = 0;
    const target = await kept(
      startTarget({
        routes: {
          moved: ({ response }) => void response.writeHead(302, { location: `http://b.lab.test:${port}/` }).end(),
        },
        refuse: ({ path }) => (path === '/' ? 429 : undefined),
      }),
    );
    port = target.port;
    const pool = await poolOf(await goodProxies(1), { policy: 'respectful' });
    const { failed } = await crawl(pool, [`http://a.lab.test:${target.port}/moved`], {}, { onExhausted: 'fail-page' });
    expect(failed).toHaveLength(1);
    const suspended = (host: string) => pool.explain({ target: `http://${host}:${target.port}` }).suspendedForMs;
    expect([suspended('a.lab.test'), suspended('b.lab.test') !== undefined]).toEqual([undefined, true]);
  });
});

describe('pages that wait', () => {
  test('for a suspended target take no slot of the crawler’s, and come back when it is resumed', async () => {
    const target = await kept(startTarget({ routes: shopRoutes() }));
    const pool = await poolOf(await goodProxies(1));
    const busy = Array.from({ length: 8 }, (_, index) => `http://busy.lab.test:${target.port}/item/1?busy=${index}`);
    pool.suspend(`http://busy.lab.test:${target.port}`, 'until-resumed');
    const done: string[] = [];
    const { failed } = await crawl(pool, [...busy, ...pagesOf(target, 20)], {
      minConcurrency: 2,
      maxConcurrency: 2,
      requestHandler: ({ request }) => {
        done.push(request.url);
        if (done.length === 20) pool.resumeTarget(`http://busy.lab.test:${target.port}`);
      },
    });
    expect(failed).toEqual([]);
    expect(done.slice(0, 20).filter((url) => url.includes('busy'))).toEqual([]);
    expect(done).toHaveLength(28);
  });

  test.each(['fail-page', 'stop-crawl'] as const)('for their turn cost nothing (%s)', async (onExhausted) => {
    const target = await kept(startTarget({ routes: shopRoutes() }));
    const [proxy] = await goodProxies(1);
    const pool = await poolOf([], { proxies: [{ url: proxy!.url, maxInFlight: 1 }] });
    const lease = await pool.acquire({ target: target.url });
    const heard: number[] = [];
    const errorHandler = ({ request }: CheerioCrawlingContext): void => {
      heard.push(request.errorMessages.length);
      lease.settle({ kind: 'response', status: 200, latencyMs: 5 });
    };
    const options = { navigationTimeoutSecs: 1, maxConcurrency: 1 };
    const { pages, failed } = await crawl(pool, pagesOf(target, 2), options, { onExhausted, errorHandler });
    expect(failed).toEqual([]);
    expect(pages.map(({ retries }) => retries)).toEqual([0, 0]);
    expect(heard.length).toBeGreaterThan(0);
  });

  test('for a proxy that there is none of are failed, by name', async () => {
    const target = await kept(startTarget({ routes: shopRoutes() }));
    const pool = await poolOf(await goodProxies(1));
    const { failed } = await crawl(pool, pagesOf(target, 1), {}, { tags: ['nobody'] });
    expect(failed[0]!.cause).toMatchObject({ code: 'POOL_EXHAUSTED' });
  });
});
