import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { createPool, type Pool, type PoolOptions } from '@fairlead/core';
import {
  chromiumAvailability,
  findChromium,
  shopRoutes,
  startFault,
  startHttpProxy,
  startSocksProxy,
  startStunServer,
  startTarget,
  type Exchange,
  type ProxyServer,
  type Target,
} from '@fairlead/lab';
import * as playwright from 'playwright';
import { chromium, type BrowserType, type Page } from 'playwright-core';
import { chromium as lowest } from 'playwright-core-lowest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchPoolBrowser, type PoolBrowser } from './pool-browser.js';
import { newPoolContext } from './pool-context.js';
import { proxyFor } from './pool-proxy-provider.js';

const credentials = { user: 'canary-user', password: 'canary-pass' };
const exitOf = (n: number): string => `127.78.0.${n}`;
const gateway = { allowPrivate: 'all' as const };

const { available } = chromiumAvailability();

let site: Target;
let proxies: ProxyServer[];
let pool: Pool;
beforeEach(async () => {
  site = await startTarget({ routes: { ...shopRoutes(), ...siteRoutes } });
  proxies = await Promise.all([
    startHttpProxy({ credentials, exit: exitOf(1) }),
    startSocksProxy({ credentials, exit: exitOf(2) }),
    startHttpProxy({ credentials, exit: exitOf(3) }),
  ]);
});
afterEach(async () => {
  await Promise.all([site, pool, ...proxies].map((server) => server.close()));
});

const exitsSeen = (): Set<string> => new Set(site.requests.map(({ remoteAddress }) => remoteAddress));
const kill = (id: string): Promise<void> => proxies.find(({ port }) => id.includes(`:${port}#`))!.close();

function poolOf(options: PoolOptions = {}): Pool {
  return (pool = createPool({ proxies: proxies.map(({ url }) => url), policy: 'rotate', ...options }));
}

describe.skipIf(!available).each([
  ['the newest', chromium],
  ['the lowest', lowest as unknown as BrowserType],
])('with %s playwright-core', (_, type) => {
  let browser: PoolBrowser;
  // One browser for all tests, over a pool that only this hook uses: contexts name their own.
  const idle = createPool();
  beforeAll(async () => {
    const { executablePath, args } = findChromium()!;
    browser = await launchPoolBrowser(type, idle, { executablePath, args: [...args], gateway });
  });
  afterAll(async () => {
    await browser.close();
    await idle.close();
  });

  test('all that a context does leaves by one exit, which is free again when it is closed', async () => {
    poolOf();
    const context = await newPoolContext(browser, pool, { gateway });
    const page = await context.newPage();
    await page.goto(`${site.url}/visit`);
    expect(await page.evaluate(echoOverWebSocket, site.url.replace('http', 'ws'))).toBe('hello');
    expect(await page.evaluate(fetchByWorker)).toBe('from the worker');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('a[download]')]);
    expect(await readFile(await download.path(), 'utf8')).toBe('saved');
    expect(await (await context.request.get(`${site.url}/echo`)).json()).toMatchObject({ path: '/echo' });
    const paths = site.requests.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['/visit', '/part', '/socket', '/worker.js', '/by-worker', '/save', '/echo']),
    );
    expect(exitsSeen().size).toBe(1);
    expect(exitsSeen()).not.toContain('127.0.0.1');
    expect(context.pool.exit).toMatchObject({ tags: [], tier: 0 });
    expect(pool.stats().inFlight).toBe(1);
    await context.close();
    expect(pool.stats().inFlight).toBe(0);
  });

  test('a change of exit in the middle keeps the context and its cookies', async () => {
    poolOf();
    const context = await newPoolContext(browser, pool, { gateway });
    const moves: unknown[] = [];
    context.pool.on('identity-changed', (move) => moves.push(move));
    const page = await context.newPage();
    await page.goto(`${site.url}/cookies?basket=full`);
    const before = context.pool.exit!.endpoint;
    context.pool.rotate();
    await page.goto(`${site.url}/cookies`);
    expect(await page.textContent('body')).toContain('basket=full');
    expect(context.pool.exit!.endpoint).not.toBe(before);
    expect(moves).toEqual([{ from: before, to: context.pool.exit!.endpoint }]);
    expect(exitsSeen().size).toBe(2);
    await context.close();
  });

  test('a lost exit is passed over and told of; in strict mode it is an error', async () => {
    poolOf();
    const context = await newPoolContext(browser, pool, { gateway });
    const strict = await newPoolContext(browser, pool, { gateway, strict: true });
    const moves: unknown[] = [];
    context.pool.on('identity-changed', (move) => moves.push(move));
    const [page, other] = await Promise.all([context.newPage(), strict.newPage()]);
    await page.goto(`${site.url}/visit`);
    await other.goto(`${site.url}/visit`);
    await kill(context.pool.exit!.endpoint);
    if (strict.pool.exit!.endpoint !== context.pool.exit!.endpoint) await kill(strict.pool.exit!.endpoint);
    expect((await page.goto(`${site.url}/visit?again`))?.status()).toBe(200);
    expect(moves.at(-1)).toMatchObject({ to: context.pool.exit!.endpoint });
    const before = site.requests.length;
    const closed = strict.waitForEvent('close');
    await other.goto(`${site.url}/visit?strict`).catch(() => undefined);
    await closed;
    await expect(strict.newPage()).rejects.toThrow(/SESSION_LOST|closed/);
    expect(site.requests.slice(before).filter(({ path }) => path.includes('strict'))).toEqual([]);
    await context.close();
  });

  test('settings of the gateway that come too late are refused by name', async () => {
    poolOf();
    const context = await newPoolContext(browser, pool, { gateway });
    await context.close();
    const other = { ...gateway, connectTimeoutMs: 1000 };
    await expect(newPoolContext(browser, pool, { gateway: other })).rejects.toThrow('gateway: is set by the first');
  });

  test('hosts have exits of their own when asked', async () => {
    poolOf();
    const context = await newPoolContext(browser, pool, { gateway, exits: 'per-host' });
    const page = await context.newPage();
    const hosts = Array.from({ length: 8 }, (_, n) => `h${n}.lab.test`);
    for (const host of [...hosts, ...hosts]) await page.goto(`http://${host}:${site.port}/status/200?${host}`);
    const exits = new Map<string, Set<string>>();
    for (const { headers, remoteAddress } of site.requests) {
      exits.set(headers.host!, (exits.get(headers.host!) ?? new Set()).add(remoteAddress));
    }
    expect([...exits.values()].map(({ size }) => size)).toEqual([...exits.keys()].map(() => 1));
    expect(exitsSeen().size).toBeGreaterThan(1);
    await context.close();
    expect(pool.stats().inFlight).toBe(0);
  });

  test('what pages are answered becomes outcomes, and a refused exit is left', async () => {
    poolOf();
    const context = await newPoolContext(browser, pool, { gateway });
    const page = await context.newPage();
    const verdicts: string[] = [];
    pool.on('settled', ({ verdict }) => verdicts.push(verdict));
    await page.goto(`${site.url}/status/404`);
    const before = context.pool.exit!.endpoint;
    await page.goto(`${site.url}/status/403`);
    await page.goto(`${site.url}/status/200`);
    expect(context.pool.exit!.endpoint).not.toBe(before);
    expect(verdicts.filter((verdict) => verdict !== 'abandoned')).toEqual(['final', 'denied', 'success']);
    expect(pool.stats()).toMatchObject({ attempts: 3, inFlight: 1 });
    await context.close();
  });

  test('what a page gets in the place of an answer becomes an outcome, too', async () => {
    // It speaks, and no TLS.
    const garbling = createServer((socket) => void socket.once('data', () => socket.write('what do you mean?\r\n')));
    await once(garbling.listen(0, '127.0.0.1'), 'listening');
    const { port } = garbling.address() as AddressInfo;
    poolOf();
    const context = await newPoolContext(browser, pool, { gateway });
    const page = await context.newPage();
    const outcomes: unknown[] = [];
    pool.on('settled', ({ outcome }) => outcomes.push(outcome));
    await expect(page.goto(`https://127.0.0.1:${port}/`)).rejects.toThrow('ERR_SSL_PROTOCOL_ERROR');
    await context.close();
    garbling.close();
    expect(outcomes).toContainEqual(
      expect.objectContaining({ kind: 'failure', phase: 'target-tls', code: 'ERR_SSL_PROTOCOL_ERROR' }),
    );
  });

  test('an empty pool leads nowhere, and says so', async () => {
    poolOf({ proxies: [] });
    const context = await newPoolContext(browser, pool, { gateway });
    const refusals: unknown[] = [];
    context.pool.on('refused', (refusal) => refusals.push(refusal));
    const page = await context.newPage();
    const answer = await page.goto(site.url);
    expect(answer?.headers()['x-fairlead-error']).toBe('POOL_EXHAUSTED');
    expect(refusals[0]).toMatchObject({ code: 'POOL_EXHAUSTED' });
    await context.close();
    expect(site.connections.opened).toBe(0);
  });

  test('a site that speaks in the words of a refusal is heard all the same', async () => {
    const secure = await startTarget({ routes: siteRoutes, certificate: 'good' });
    poolOf({ proxies: [] });
    const context = await newPoolContext(browser, pool, { gateway, ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`${site.url}/claims-refusal`);
    expect(pool.stats().attempts).toBe(0);
    const answers: unknown[] = [];
    pool.on('settled', ({ verdict }) => void (verdict === 'final' && answers.push(verdict)));
    pool.add(proxies[0]!.url);
    const plain = await page.goto(`${site.url}/claims-refusal`);
    expect(plain?.headers()).not.toHaveProperty('x-fairlead-error');
    const answer = await page.goto(`${secure.url}/claims-refusal`);
    expect(answer?.headers()).toHaveProperty('x-fairlead-error');
    await Promise.all([context.close(), secure.close()]);
    expect(answers).toHaveLength(2);
  });

  test('a context of the same browser that has no part in the pool gets nowhere', async () => {
    poolOf();
    const context = await browser.newContext();
    const page = await context.newPage();
    await expect(page.goto(site.url.replace('http', 'https'))).rejects.toThrow('ERR_INVALID_AUTH_CREDENTIALS');
    await page.goto(site.url).catch(() => undefined);
    await context.close();
    expect(site.connections.opened).toBe(0);
  });

  test('timezone and locale follow the tags of the exit', async () => {
    poolOf({ proxies: proxies.map(({ url }) => ({ url, tags: ['timezone:Asia/Tokyo', 'locale:ja-JP'] })) });
    const wish = { gateway, target: site.url, timezoneId: 'from-exit', locale: 'from-exit' } as const;
    const context = await newPoolContext(browser, pool, wish);
    const page = await context.newPage();
    await page.goto(`${site.url}/visit`);
    const told = await page.evaluate(() => [Intl.DateTimeFormat().resolvedOptions().timeZone, navigator.language]);
    expect(told).toEqual(['Asia/Tokyo', 'ja-JP']);
    await context.close();
    expect(pool.stats()).toMatchObject({ activeSessions: 0, inFlight: 0 });
    const { target: _, ...without } = wish;
    await expect(newPoolContext(browser, pool, without)).rejects.toThrow('target: is needed');
  });

  test('a strict context has the exit that its timezone is from, or none', async () => {
    const dead = await startFault('http', 'refuse-tcp');
    const [, , alive] = proxies;
    poolOf({
      proxies: [
        { url: dead.url, tags: ['timezone:Asia/Tokyo'] },
        { url: alive!.url, tags: ['timezone:Europe/Berlin'] },
      ],
    });
    const [first] = pool.stats().endpoints;
    pool.sessions.bind('cart', first!.id);
    const terms = { gateway, session: 'cart', strict: true, target: site.url, timezoneId: 'from-exit' } as const;
    const context = await newPoolContext(browser, pool, terms);
    const closed = context.waitForEvent('close');
    const page = await context.newPage();
    await page.goto(`${site.url}/visit`).catch(() => undefined);
    await closed;
    expect(site.requests).toEqual([]);
    expect(pool.stats().inFlight).toBe(0);
    await dead.close();
  });

  test('pages that a page opens, and what never went over the network, are no reason to fall', async () => {
    poolOf({ policy: 'rotate' });
    const fallen: unknown[] = [];
    const onFall = (error: unknown): void => void fallen.push(error);
    process.on('uncaughtException', onFall).on('warning', onFall);
    const context = await newPoolContext(browser, pool, { gateway });
    const page = await context.newPage();
    expect(await page.evaluate(async () => (await fetch(URL.createObjectURL(new Blob(['x'])))).text())).toBe('x');
    await page.goto(`${site.url}/visit`);
    const [opened] = await Promise.all([
      context.waitForEvent('page'),
      page.evaluate((url) => void window.open(url, '_blank', 'noopener'), `${site.url}/visit?opened`),
    ]);
    await opened.waitForLoadState();
    const [clicked] = await Promise.all([context.waitForEvent('page'), page.click('a[target]')]);
    await clicked.waitForLoadState();
    // Answers are judged before the page says it has loaded.
    await context.close();
    process.off('uncaughtException', onFall).off('warning', onFall);
    expect(fallen).toEqual([]);
    expect(pool.stats().succeeded).toBeGreaterThanOrEqual(3);
  });

  test('WebRTC sends nothing past the pool', async () => {
    poolOf();
    const stun = await startStunServer();
    const context = await newPoolContext(browser, pool, { gateway });
    const page = await context.newPage();
    await page.goto(`${site.url}/visit`);
    await gatherCandidates(page, stun.port);
    expect(stun.packets).toBe(0);
    await context.close();
    await stun.close();
  });

  test('proxies by hand, for who makes contexts without us', async () => {
    poolOf();
    const provider = proxyFor(pool, { gateway });
    const { proxy, release } = await provider.proxy({ session: 'cart' });
    const context = await browser.newContext({ proxy });
    const page = await context.newPage();
    expect((await page.goto(`${site.url}/visit`))?.status()).toBe(200);
    expect(pool.sessions.lookup('cart')).toBeDefined();
    await context.close();
    release();
    expect(pool.stats().inFlight).toBe(0);
    await provider.close();
    const shared = proxyFor(pool);
    expect(proxyFor(pool)).toBe(shared);
    await shared.close();
    // One that was closed is not handed out again.
    await expect(proxyFor(pool).proxy()).resolves.toMatchObject({ proxy: {} });
  });
});

test.skipIf(!available)(
  'a browser without our settings does send WebRTC packets, or the test above proves nothing',
  async () => {
    poolOf();
    const { executablePath, args } = findChromium()!;
    const browser = await playwright.chromium.launch({ executablePath, args: [...args] });
    const stun = await startStunServer();
    const page = await (await newPoolContext(browser, pool, { gateway })).newPage();
    await page.goto(`${site.url}/visit`);
    const packet = stun.packet();
    await page.evaluate(startGathering, stun.port);
    await packet;
    expect(stun.packets).toBeGreaterThan(0);
    await browser.close();
    await stun.close();
  },
);

test('mistakes are refused by name', async () => {
  poolOf();
  const nothing = {} as never;
  await expect(newPoolContext(nothing, pool, { proxy: {} } as never)).rejects.toThrow('proxy: is the pool');
  await expect(newPoolContext(nothing, pool, { exits: 'all' as never })).rejects.toThrow("must be 'one' or 'per-host'");
  const target = site.url;
  await expect(newPoolContext(nothing, pool, { exits: 'per-host', target })).rejects.toThrow('target: is for contexts');
  await expect(proxyFor(pool).proxy({ sesion: 'a' } as never)).rejects.toThrow("did you mean 'session'");
  await expect(launchPoolBrowser(nothing, pool, { proxy: {} } as never)).rejects.toThrow('proxy: is the pool');
});

const siteRoutes = {
  visit: (exchange: Exchange) =>
    html(
      exchange,
      '<h1>visit</h1><img src="/part"><a href="/save" download>save</a><a href="/visit?clicked" target="_blank">more</a>',
    ),
  part: ({ response }: Exchange) =>
    void response.writeHead(200, { 'Content-Type': 'image/svg+xml' }).end('<svg xmlns="http://www.w3.org/2000/svg"/>'),
  save: ({ response }: Exchange) =>
    void response.writeHead(200, { 'Content-Disposition': 'attachment; filename="saved.txt"' }).end('saved'),
  'claims-refusal': ({ response }: Exchange) =>
    void response.writeHead(404, { 'X-Fairlead-Error': 'POOL_EXHAUSTED' }).end('nothing here'),
  'by-worker': ({ response }: Exchange) => void response.end('from the worker'),
  'worker.js': ({ response }: Exchange) =>
    void response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(`
      self.addEventListener('install', () => self.skipWaiting());
      self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
      self.addEventListener('fetch', (event) => {
        if (event.request.url.endsWith('/asked')) event.respondWith(fetch('/by-worker'));
      });`),
};

function html({ response }: Exchange, body: string): void {
  response.writeHead(200, { 'Content-Type': 'text/html' });
  response.end(`<!doctype html><html><head><link rel="icon" href="data:,"></head><body>${body}</body></html>`);
}

async function echoOverWebSocket(url: string): Promise<unknown> {
  const socket = new WebSocket(`${url}/socket`);
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  socket.send('hello');
  const { data } = await new Promise<MessageEvent>((resolve) => socket.addEventListener('message', resolve));
  socket.close();
  return data;
}

async function fetchByWorker(): Promise<string> {
  await navigator.serviceWorker.register('/worker.js');
  if (navigator.serviceWorker.controller === null) {
    await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve));
  }
  return (await fetch('/asked')).text();
}

async function startGathering(stun: number): Promise<void> {
  const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${stun}` }] });
  peer.createDataChannel('any');
  await peer.setLocalDescription(await peer.createOffer());
}

function gatherCandidates(page: Page, port: number): Promise<void> {
  return page.evaluate(async (stun) => {
    const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${stun}` }] });
    peer.createDataChannel('any');
    const complete = new Promise<void>((resolve) => {
      peer.addEventListener('icegatheringstatechange', () => peer.iceGatheringState === 'complete' && resolve());
    });
    await peer.setLocalDescription(await peer.createOffer());
    await complete;
    peer.close();
  }, port);
}
