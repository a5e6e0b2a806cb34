import { createPool } from '@fairlead/core';
import { findChromium, startHttpProxy, startRealServer, type RealServer, type Target } from '@fairlead/lab';
import { launchPoolBrowser } from '@fairlead/playwright';
import { chromium, type BrowserContext } from 'playwright-core';
import { startSite } from './site.js';

export const CONTEXTS = 20;
export const PAGES = 5;
const AT_ONCE = 5;
/** Loopback is private, and the lab lives there. */
const gateway = { allowPrivate: 'all' as const };

/** What a site saw of visitors that name themselves in their paths. */
export interface Visits {
  readonly contexts: number;
  readonly pages: number;
  /** Visitors that came from more than one address. */
  readonly stickyViolations: number;
  /** Requests that came from no exit. */
  readonly directConnections: number;
}

export type RealProxies = readonly RealServer[];

/** Two squids, two microsocks and a dante with passwords, each leaving from an address of its own. */
export function startRealProxies(): Promise<RealProxies> {
  const names = ['squid', 'squid', 'microsocks', 'microsocks', 'dante'] as const;
  return Promise.all(
    names.map((name, index) => startRealServer(name, { authenticated: true, exit: `127.80.0.${index + 1}` })),
  );
}

/** Twenty contexts of one browser visit five pages each, over TLS, through real proxies. */
export async function visitThroughRealProxies(proxies: RealProxies): Promise<Visits> {
  const site = await startSite(3, { certificate: 'good', http2: true });
  const pool = createPool({ proxies: proxies.map(({ url }) => url) });
  const { executablePath, args } = findChromium()!;
  const browser = await launchPoolBrowser(chromium, pool, { executablePath, args: [...args], gateway });
  try {
    const pages = await visitAll(site, CONTEXTS, PAGES, () => browser.newPoolContext());
    return { ...tally(site), contexts: CONTEXTS, pages };
  } finally {
    await browser.close();
    await Promise.all([pool.close(), site.close()]);
  }
}

/** How much longer twenty contexts take through the pool than with a proxy of their own, in one run, in pairs. */
export async function contextCost(rounds: number): Promise<readonly number[]> {
  const site = await startSite(3);
  const credentials = { user: 'lab', password: 'secret' };
  const proxies = await Promise.all([1, 2, 3, 4].map((n) => startHttpProxy({ credentials, exit: `127.80.1.${n}` })));
  const pool = createPool({ proxies: proxies.map(({ url }) => url) });
  const { executablePath, args } = findChromium()!;
  const browser = await launchPoolBrowser(chromium, pool, { executablePath, args: [...args], gateway });
  let next = 0;
  const direct = (): Promise<BrowserContext> => {
    const { port } = proxies[(next += 1) % proxies.length]!;
    const proxy = { server: `http://127.0.0.1:${port}`, username: credentials.user, password: credentials.password };
    return browser.newContext({ proxy });
  };
  const timed = async (make: () => Promise<BrowserContext>): Promise<number> => {
    const started = performance.now();
    await visitAll(site, CONTEXTS, PAGES, make);
    return performance.now() - started;
  };
  const ratios: number[] = [];
  try {
    await visitAll(site, AT_ONCE, 1, direct);
    for (let round = 0; round < rounds; round += 1) {
      const pooled = (): Promise<BrowserContext> => browser.newPoolContext();
      // Whoever comes second finds a warmer browser: they take turns.
      const first = await timed(round % 2 === 0 ? pooled : direct);
      const second = await timed(round % 2 === 0 ? direct : pooled);
      ratios.push(round % 2 === 0 ? first / second : second / first);
    }
    return ratios;
  } finally {
    await browser.close();
    await Promise.all([pool, site, ...proxies].map((server) => server.close()));
  }
}

async function visitAll(
  site: Target,
  contexts: number,
  pages: number,
  make: () => Promise<BrowserContext>,
): Promise<number> {
  let next = 0;
  let answered = 0;
  const work = async (): Promise<void> => {
    while (next < contexts) {
      const visitor = `c${(next += 1)}`;
      const context = await make();
      const page = await context.newPage();
      for (let turn = 0; turn < pages; turn += 1) {
        const answer = await page.goto(`${site.url}/visit/${visitor}?turn=${turn}`, { waitUntil: 'load' });
        if (answer?.status() === 200) answered += 1;
      }
      await context.close();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return answered;
}

function tally({ requests }: Target): Pick<Visits, 'stickyViolations' | 'directConnections'> {
  const exits = new Map<string, Set<string>>();
  for (const { path, remoteAddress } of requests) {
    const visitor = path.split(/[/?]/)[2] ?? '';
    exits.set(visitor, (exits.get(visitor) ?? new Set()).add(remoteAddress));
  }
  return {
    stickyViolations: [...exits.values()].filter(({ size }) => size > 1).length,
    directConnections: requests.filter(({ remoteAddress }) => !remoteAddress.startsWith('127.80.')).length,
  };
}
