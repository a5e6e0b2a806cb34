// A gateway in a process of its own: its order comes as the first argument, questions by message.
import { createPool } from '@fairlead/core';
import { createGateway } from '@fairlead/gateway';
import { Server } from 'proxy-chain';
import type { Order, Vitals } from './order.js';

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
const port = await { ours, proxyChain }[order.kind](order);
process.on('message', (asked) => process.send?.(vitals(asked === 'memory')));
process.on('disconnect', () => process.exit());
process.send?.({ port });

async function ours({ upstreams, plain, policy = 'relay', maxPerPeer }: Order): Promise<number> {
  const pool = createPool({ proxies: upstreams, policy });
  // The guard is on and looks at each target; the lab's are let through by name of their network.
  const guarded = { pool, ports: 'all', allowPrivate: ['127.0.0.0/8'] } as const;
  const gateway = createGateway({ ...guarded, plain: plain ?? 'tunnel', ...(maxPerPeer && { maxPerPeer }) });
  return (await gateway.listen()).port;
}

/** As its README shows it: an upstream for each request. Several are drawn from at random. */
async function proxyChain({ upstreams }: Order): Promise<number> {
  const server = new Server({
    port: 0,
    host: '127.0.0.1',
    prepareRequestFunction: () => ({
      upstreamProxyUrl: upstreams[Math.floor(Math.random() * upstreams.length)] ?? null,
    }),
  });
  await server.listen();
  return server.port;
}

/** A collection before memory is read, and none before CPU is: it throws compiled code away. */
function vitals(collected: boolean): Vitals {
  if (collected) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, rssMb: process.memoryUsage.rss() / 2 ** 20 };
}
