import { once } from 'node:events';
import { CONTENDERS, type Contender } from './bench-contenders.js';
import type { BenchOrder, RequestTime } from './bench-figures.js';

// One contender in a process of its own: what another one leaves behind in heap and compiled code is not its concern.
const [order] = (await once(process, 'message')) as [BenchOrder];
process.on('message', async (requests: number) => process.send?.(await round(requests)));
process.send?.('ready');

/** Sends so many requests over connections of their own. */
async function round(requests: number): Promise<RequestTime> {
  const contender = CONTENDERS[order.client][order.rival](order.proxyUrl, order.targetUrl);
  const since = performance.now();
  const cpu = process.cpuUsage();
  await sendAll(contender, requests);
  const { user, system } = process.cpuUsage(cpu);
  const took = { wallMs: (performance.now() - since) / requests, cpuMs: (user + system) / 1000 / requests };
  await contender.close();
  return took;
}

async function sendAll(contender: Contender, requests: number): Promise<void> {
  let left = requests;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await contender.send();
    }
  };
  await Promise.all(Array.from({ length: order.concurrency }, worker));
}
