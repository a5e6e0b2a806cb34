import { CheerioCrawler, type CheerioCrawlingContext } from '@crawlee/cheerio';
import { Configuration, LogLevel, log } from '@crawlee/core';
import { withPool } from '@fairlead/axios';
import type { Pool } from '@fairlead/core';
import { crawleePool } from '@fairlead/crawlee';
import { gotPool } from '@fairlead/got';
import { findChromium } from '@fairlead/lab';
import { launchPoolBrowser } from '@fairlead/playwright';
import { createFetch } from '@fairlead/undici';
import axios from 'axios';
import got from 'got';
import { chromium } from 'playwright-core';

/** Fetches pages by one client over the pool. */
export interface Walker {
  readonly name: string;
  /** Of the pages that are asked for, how many it takes: a browser is slower than the rest. */
  readonly share: number;
  walk(pages: readonly string[], step: (error?: unknown) => void): Promise<void>;
}

const AT_ONCE = 10;
const TIMEOUT_MS = 15_000;

/** Every client that can run here. The lab lives on private addresses, which a gateway refuses unless it is told. */
export function walkersOver(pool: Pool, isLab: boolean): readonly Walker[] {
  const gateway = { connectTimeoutMs: TIMEOUT_MS, ...(isLab ? { allowPrivate: 'all' as const } : {}) };
  const http = withPool(axios.create({ timeout: TIMEOUT_MS }), pool);
  const client = got.extend(gotPool(pool), { timeout: { request: TIMEOUT_MS } });
  const fetch = createFetch(pool);
  const browser = findChromium();
  return [
    { name: 'axios', share: 1, walk: byTens((url) => http.get(url)) },
    { name: 'got', share: 1, walk: byTens((url) => client(url)) },
    { name: 'fetch', share: 1, walk: byTens(async (url) => checked(await fetch(url))) },
    { name: 'Crawlee', share: 1, walk: byCrawlee(pool, gateway) },
    ...(browser === undefined
      ? []
      : [{ name: 'Playwright', share: 1 / 6, walk: byPlaywright(pool, gateway, browser) }]),
  ];
}

function byTens(get: (url: string) => Promise<unknown>): Walker['walk'] {
  return async (pages, step) => {
    const left = [...pages];
    const work = async (): Promise<void> => {
      for (let url = left.shift(); url !== undefined; url = left.shift()) {
        await get(url).then(() => step(), step);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  };
}

async function checked(answer: {
  readonly ok: boolean;
  readonly status: number;
  text(): Promise<string>;
}): Promise<void> {
  await answer.text();
  if (!answer.ok) throw new Error(`status ${answer.status}`);
}

function byCrawlee(pool: Pool, gateway: object): Walker['walk'] {
  return async (pages, step) => {
    log.setLevel(LogLevel.OFF);
    const crawler = new CheerioCrawler(
      {
        ...crawleePool<CheerioCrawlingContext>(pool, {
          gateway,
          // A tour shows what fails; a crawl would rather wait.
          onExhausted: 'fail-page',
          failedRequestHandler: (_, error) => step(error),
        }),
        minConcurrency: AT_ONCE,
        maxConcurrency: AT_ONCE,
        additionalMimeTypes: ['*/*'],
        requestHandler: () => step(),
      },
      new Configuration({ persistStorage: false }),
    );
    // Crawlee fetches a URL once; a key of its own makes a page of each.
    await crawler.run(pages.map((url, index) => ({ url, uniqueKey: `${index} ${url}` })));
  };
}

function byPlaywright(
  pool: Pool,
  gateway: object,
  options: { executablePath: string; args: readonly string[] },
): Walker['walk'] {
  return async (pages, step) => {
    const { executablePath, args } = options;
    const browser = await launchPoolBrowser(chromium, pool, { executablePath, args: [...args], gateway });
    const context = await browser.newPoolContext();
    const page = await context.newPage();
    for (const url of pages) {
      const visit = async (): Promise<void> => {
        const answer = await page.goto(url, { timeout: TIMEOUT_MS });
        if (answer?.ok() !== true) throw new Error(`status ${answer?.status()}`);
      };
      await visit().then(() => step(), step);
    }
    await browser.close();
  };
}
