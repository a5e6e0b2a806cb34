import { checkKeys, finiteAtLeast, ownOptions } from '../option-check.js';
import type { Pool } from './pool.js';
import type { PoolStats } from './stats.js';

export interface SummaryOptions {
  /** How often a line is written. @default 30_000 */
  readonly everyMs?: number;
}

/** The defaults of `SummaryOptions`, in one place. */
export const SUMMARY_DEFAULTS = Object.freeze({ everyMs: 30_000 });

/** Writes a line about the pool every so often, under its name; ends with the pool, or by the answer. */
export function summaryLog(pool: Pool, sink: (line: string) => void, options: SummaryOptions = {}): () => void {
  const own = ownOptions(options, 'options');
  checkKeys(own, Object.keys(SUMMARY_DEFAULTS), '');
  const { everyMs } = { ...SUMMARY_DEFAULTS, ...own };
  finiteAtLeast(everyMs, 1, 'everyMs');
  // Its end has been told already: no other would come.
  if (pool.closed) return () => undefined;
  const { clock } = pool;
  let cancel = (): void => undefined;
  const next = (): void => {
    cancel = clock.schedule(clock.now() + everyMs, () => {
      next();
      // It runs by a timer: what it throws would end the process.
      pool.guard('summary', () => sink(summaryLine(pool.stats())));
    });
  };
  next();
  const off = pool.on('closed', () => stop());
  const stop = (): void => {
    cancel();
    off();
  };
  return stop;
}

/** What matters most of a pool, in one line. */
export function summaryLine(stats: PoolStats): string {
  const { name, proxies, tasks, throughput, successRate1m, avgLatencyMs } = stats;
  const away = (['cooling', 'held', 'spent', 'dead'] as const).filter((kind) => proxies[kind] > 0);
  const parts = [
    [`${proxies.healthy} of ${proxies.total} proxies healthy`, ...away.map((kind) => `${proxies[kind]} ${kind}`)],
    [`${stats.inFlight} in flight`, `${tasks.pending} pending`, `${tasks.delayed} delayed`],
    [`${throughput.per60s.toFixed(1)}/s`, `${shown(successRate1m, (rate) => (rate * 100).toFixed(1))} % good`],
    [`${shown(avgLatencyMs, (ms) => ms.toFixed(0))} ms`],
    [`${tasks.completed} completed`, `${tasks.failed} failed`, `${stats.requeued} requeued`],
  ];
  return `[${name}] ${parts.map((group) => group.join(', ')).join(' · ')}`;
}

function shown(value: number | undefined, print: (value: number) => string): string {
  return value === undefined ? '–' : print(value);
}
