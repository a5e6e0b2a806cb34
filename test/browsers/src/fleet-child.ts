// The entry of the process that holds the target and the proxies. It ends when its parent does.
import { startFault, startHttpProxy, startTarget, type Exchange } from '@fairlead/lab';
import type { FleetOrder, FleetPlace, FleetTally } from './fleet-world.js';

const order = JSON.parse(process.argv[2] ?? '') as FleetOrder;
const credentials = { user: 'fleet', password: 'secret' };

const banned = new Set(Array.from({ length: order.banned }, (_, index) => `127.79.1.${index + 1}`));
let tally = { requests: 0, denied: 0, direct: 0 };

const target = await startTarget({
  record: false,
  routes: { page },
  refuse: ({ remoteAddress }) => {
    tally.requests += 1;
    if (!remoteAddress.startsWith('127.79.')) tally.direct += 1;
    if (!banned.has(remoteAddress)) return undefined;
    tally.denied += 1;
    return 403;
  },
});

const proxies = await Promise.all([
  ...Array.from({ length: order.good }, (_, index) => startHttpProxy({ credentials, exit: `127.79.0.${index + 1}` })),
  ...Array.from({ length: order.dead }, () => startFault('http', 'refuse-tcp', { credentials })),
  ...Array.from({ length: order.hanging }, () => startFault('http', 'silent-after-request', { credentials })),
  ...[...banned].map((exit) => startHttpProxy({ credentials, exit })),
]);

process.once('disconnect', () => process.exit(0));
process.on('message', () => {
  process.send?.(tally satisfies FleetTally);
  tally = { requests: 0, denied: 0, direct: 0 };
});
process.send?.({ url: target.url, proxies: mixed(proxies.map(({ url }) => url)) } satisfies FleetPlace);

function page({ response, url }: Exchange): void {
  const body = `<!doctype html><title>Page ${url.pathname.split('/')[2]}</title><p>${'text '.repeat(400)}</p>`;
  const answer = () => response.writeHead(200, { 'Content-Type': 'text/html' }).end(body);
  if (order.pageMs === 0) answer();
  else setTimeout(answer, order.pageMs);
}

/** The same every time: a list that is sorted by kind would make a round robin look better or worse than it is. */
function mixed<T>(list: readonly T[]): T[] {
  return list
    .map((item, index) => ({ item, key: ((index * 7919) % 104_729) % 251 }))
    .sort((one, other) => one.key - other.key)
    .map(({ item }) => item);
}
