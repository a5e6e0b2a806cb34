import { startFault, startHttpProxy } from '@fairlead/lab';
import { startNode } from './contenders.js';
import { loadConnect } from './load.js';
import { say } from './report.js';

/** Tunnels that the client sees fail when three in ten upstreams are dead. */
export async function failures(targetPort: number, requests: number): Promise<{ ours: number; proxyChain: number }> {
  const good = await Promise.all(Array.from({ length: 7 }, () => startHttpProxy()));
  const dead = await Promise.all([startFault('http', 'refuse-tcp'), startFault('http', 'close-after-request')]);
  // One that says nothing beside them for ours alone: whoever waits for it for ever is not to be measured.
  const silent = await startFault('http', 'silent-after-request');
  const upstreams = [...good, ...dead].map(({ url }) => url);
  const lost = { ours: 0, proxyChain: 0 };
  for (const kind of ['ours', 'proxyChain'] as const) {
    const contender = await startNode(kind, {
      kind,
      upstreams: kind === 'ours' ? [...upstreams, silent.url] : upstreams,
    });
    lost[kind] = (await loadConnect({ gatewayPort: contender.port, targetPort, requests, concurrency: 16 })).failures;
    await contender.stop();
    say(`with 3 of 10 upstreams dead: ${kind} failed ${lost[kind]} of ${requests}`);
  }
  await Promise.all([...good, ...dead, silent].map((server) => server.close()));
  return lost;
}
