import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startNode } from './contenders.js';
import { loadConnect, loadPlain, type Load } from './load.js';
import { median, rounded, say } from './report.js';

const ROUNDS = 5;
const ENTRY = fileURLToPath(new URL('crowd.js', import.meta.url));

/** How much longer good clients wait, at the 99th percentile, while so many others hold their connections and say nothing. */
export async function slowCrowd(targetPort: number, upstream: string, size: number): Promise<{ p99Ratio: number }> {
  const ours = await startNode('ours', { kind: 'ours', upstreams: [upstream], maxPerPeer: 2 * size });
  const crowd = fork(ENTRY, [String(ours.port)], { execArgv: [] });
  const load = { gatewayPort: ours.port, targetPort, requests: 1000, concurrency: 16 };
  await p99(load);
  const alone = await several(load);
  crowd.send(size);
  await once(crowd, 'message');
  const among = await several(load);
  say(`p99 ${alone.toFixed(1)} ms alone, ${among.toFixed(1)} ms among ${size} slow clients`);
  const gone = once(crowd, 'exit');
  crowd.disconnect();
  await gone;
  await ours.stop();
  return { p99Ratio: rounded(among / alone) };
}

async function several(load: Load): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push(await p99(load));
  return median(times);
}

/** The worse of tunnels and plain requests; one that fails is no slow one. */
async function p99(load: Load): Promise<number> {
  const [tunnels, plain] = [await loadConnect(load), await loadPlain(load)];
  if (tunnels.failures + plain.failures > 0) throw new Error('a good client was kept out');
  return Math.max(tunnels.p99Ms, plain.p99Ms);
}
