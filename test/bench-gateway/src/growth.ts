import { startNode } from './contenders.js';
import { loadConnect } from './load.js';
import { rounded, say } from './report.js';

/** Resident memory after so many tunnels over what it was after a fifth of them. */
export async function growth(targetPort: number, upstream: string, tunnels: number): Promise<number> {
  const ours = await startNode('ours', { kind: 'ours', upstreams: [upstream] });
  const load = (requests: number) => loadConnect({ gatewayPort: ours.port, targetPort, requests, concurrency: 64 });
  await load(tunnels / 5);
  const early = await ours.vitals('memory');
  await load((tunnels * 4) / 5);
  const late = await ours.vitals('memory');
  await ours.stop();
  say(
    `memory: ${early.rssMb.toFixed(1)} MB after ${tunnels / 5} tunnels, ${late.rssMb.toFixed(1)} MB after ${tunnels}`,
  );
  return rounded(late.rssMb / early.rssMb);
}
