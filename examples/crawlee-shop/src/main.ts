// A shop is crawled through eight proxies: two are dead, and the shop has banned two more. Every item is found all the same.
import { CheerioCrawler } from '@crawlee/cheerio';
import { Configuration, LogLevel, log } from '@crawlee/core';
import { createPool } from '@fairlead/core';
import { crawleePool, type PoolProxyInfo } from '@fairlead/crawlee';
import { shopRoutes, startFault, startHttpProxy, startTarget } from '@fairlead/lab';

log.setLevel(LogLevel.WARNING);
const ITEMS = 60;
const BANNED = ['127.78.1.1', '127.78.1.2'];
const shop = await startTarget({
  routes: shopRoutes({ items: ITEMS }),
  refuse: ({ remoteAddress }) => (BANNED.includes(remoteAddress) ? 403 : undefined),
});
const working = [...BANNED, '127.78.1.3', '127.78.1.4', '127.78.1.5', '127.78.1.6'];
const proxies = await Promise.all([
  ...working.map((exit) => startHttpProxy({ exit })),
  startFault('http', 'refuse-tcp'),
  startFault('http', 'close-on-accept'),
]);
const pool = createPool({ proxies: proxies.map(({ url }) => url), policy: 'rotate' });

const found = new Map<string, string>();
let lost = 0;
const crawler = new CheerioCrawler(
  {
    ...crawleePool(pool, {
      gateway: { allowPrivate: 'all' }, // the shop is on loopback
      failedRequestHandler: () => void (lost += 1),
    }),
    requestHandler: async ({ $, request, proxyInfo, enqueueLinks }) => {
      const { endpoint = '' } = proxyInfo as PoolProxyInfo;
      if (request.url.includes('/item/')) found.set($('h1').text(), endpoint);
      else await enqueueLinks({ selector: '.item, .next' });
    },
  },
  new Configuration({ persistStorage: false }),
);
await crawler.run([`${shop.url}/shop`]);

const direct = shop.requests.filter(({ remoteAddress }) => !working.includes(remoteAddress)).length;
console.log(
  `${found.size} of ${ITEMS} items by ${new Set(found.values()).size} exits, ${lost} pages lost, ${direct} direct`,
);
await pool.close();
await Promise.all([shop, ...proxies].map((server) => server.close()));
process.exit(found.size === ITEMS && lost === 0 && direct === 0 ? 0 : 1);
