import { CheerioCrawler, type CheerioCrawlerOptions } from '@crawlee/cheerio';
import { Configuration, LogLevel, log } from '@crawlee/core';

log.setLevel(LogLevel.OFF);

/** What a crawl came to. */
export interface CrawlResult {
  readonly seconds: number;
  readonly pages: number;
  readonly lost: number;
  /** Attempts at a page that failed, as Crawlee saw them. */
  readonly failedAttempts: number;
}

/** Eight seconds an attempt and ten pages at once, whatever carries them. */
const CRAWL: CheerioCrawlerOptions = {
  useSessionPool: true,
  persistCookiesPerSession: true,
  navigationTimeoutSecs: 8,
  requestHandlerTimeoutSecs: 8,
  minConcurrency: 10,
  maxConcurrency: 10,
};

/** What a crawl wants to hear of. */
export interface Tell {
  readonly errorHandler: () => void;
  readonly failedRequestHandler: () => void;
}

/** Crawls so many pages and says how it went. */
export async function crawl(
  url: string,
  pages: number,
  settings: (tell: Tell) => CheerioCrawlerOptions,
): Promise<CrawlResult> {
  const tally = { pages: 0, lost: 0, failedAttempts: 0 };
  const options = settings({
    errorHandler: () => void (tally.failedAttempts += 1),
    failedRequestHandler: () => {
      tally.failedAttempts += 1;
      tally.lost += 1;
    },
  });
  const crawler = new CheerioCrawler(
    { ...CRAWL, ...options, requestHandler: () => void (tally.pages += 1) },
    new Configuration({ persistStorage: false, availableMemoryRatio: 0.9 }),
  );
  const started = performance.now();
  await crawler.run(Array.from({ length: pages }, (_, index) => `${url}/page/${index + 1}`));
  const seconds = (performance.now() - started) / 1000;
  await crawler.teardown();
  return { seconds, ...tally };
}
