import type { Contender } from './contenders.js';

export interface Load {
  readonly perSecond: number;
  /** What each request took of the client's core. */
  readonly cpuMs: number;
  readonly p99Ms: number;
  readonly failures: number;
}

/** So many requests, so many at a time. */
export async function load(contender: Contender, url: string, requests: number, concurrency = 32): Promise<Load> {
  const latencies: number[] = [];
  let [issued, failures] = [0, 0];
  const work = async (): Promise<void> => {
    while (issued < requests) {
      issued += 1;
      const since = performance.now();
      await contender.get(url).catch(() => (failures += 1));
      latencies.push(performance.now() - since);
    }
  };
  const since = performance.now();
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: concurrency }, work));
  const seconds = (performance.now() - since) / 1000;
  const { user, system } = process.cpuUsage(before);
  latencies.sort((a, b) => a - b);
  const cpuMs = (user + system) / 1000 / requests;
  return { perSecond: requests / seconds, cpuMs, p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0, failures };
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
