import { once } from 'node:events';
import { CONTENDERS, type Contender } from './bench-contenders.js';
import type { BenchOrder, ClientFigures, Comparison, Rival, RoundTime } from './bench-figures.js';

const [order] = (await once(process, 'message')) as [BenchOrder];
const figures: ClientFigures[] = [];
for (const proxy of order.proxies) {
  for (const client of order.clients) {
    const rivals: Rival[] = proxy.kind === 'http' && order.withFresh ? ['ours', 'cached', 'fresh'] : ['ours', 'cached'];
    const compared = await compare(client, proxy.url, rivals);
    figures.push({ client, proxy: proxy.name, kind: proxy.kind, ...compared });
  }
}
process.send?.({ figures });
process.disconnect();

async function compare(
  client: keyof typeof CONTENDERS,
  proxyUrl: string,
  rivals: readonly Rival[],
): Promise<Comparison> {
  const rounds: Partial<Record<Rival, RoundTime>>[] = [];
  let most = 0;
  const make = (rival: Rival) => CONTENDERS[client][rival](proxyUrl, order.targetUrl);
  // Compilers and caches warm up on a quarter of a round.
  for (const rival of rivals) await round(make(rival), order.requests / 4);
  for (let n = 0; n < order.rounds; n += 1) {
    const times: Partial<Record<Rival, RoundTime>> = {};
    // Who comes first alternates: the machine is not the same at the end of a round.
    for (const rival of n % 2 === 0 ? rivals : rivals.toReversed()) {
      const before = rival === 'ours' ? await handshakes() : 0;
      times[rival] = await round(make(rival), order.requests);
      if (rival === 'ours') most = Math.max(most, (await handshakes()) - before);
    }
    rounds.push(times);
  }
  return { rounds, tlsHandshakes: most };
}

async function round(contender: Contender, requests: number): Promise<RoundTime> {
  let left = requests;
  const since = performance.now();
  const cpu = process.cpuUsage();
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await contender.send();
    }
  };
  await Promise.all(Array.from({ length: order.concurrency }, worker));
  const { user, system } = process.cpuUsage(cpu);
  const took = { wallMs: performance.now() - since, cpuMs: (user + system) / 1000 };
  await contender.close();
  return took;
}

async function handshakes(): Promise<number> {
  process.send?.('tally');
  const [count] = (await once(process, 'message')) as [number];
  return count;
}
