import type { EtsConstants } from '@fairlead/core';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Measure, Measured } from './experiment.js';
import type { Job, JobResult } from './worker.js';

interface Pending {
  readonly job: Job;
  readonly resolve: (measured: Measured) => void;
  readonly reject: (error: Error) => void;
}

/** Plays runs on every core. A run is one job; worlds are named, since a plan knows its own laws. Close it at the end. */
export function workers(
  constants: Partial<EtsConstants>,
  count = availableParallelism(),
): { readonly measure: Measure; close(): Promise<void> } {
  const waiting: Pending[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Pending>();
  const feed = (): void => {
    while (idle.length > 0 && waiting.length > 0) {
      const worker = idle.pop()!;
      const next = waiting.shift()!;
      busy.set(worker, next);
      worker.postMessage(next.job);
    }
  };
  const all = Array.from({ length: count }, () => {
    const worker = new Worker(new URL('worker.js', import.meta.url));
    worker.on('message', (result: JobResult) => {
      busy.get(worker)!.resolve(result);
      busy.delete(worker);
      idle.push(worker);
      feed();
    });
    worker.on('error', (error) => busy.get(worker)?.reject(error));
    idle.push(worker);
    return worker;
  });
  return {
    measure: ({ name }, policy, seed, preset) =>
      new Promise((resolve, reject) => {
        waiting.push({ job: { scenario: name, policy, seed, preset, constants }, resolve, reject });
        feed();
      }),
    async close() {
      await Promise.all(all.map((worker) => worker.terminate()));
    },
  };
}
