import type { Pool, PoolEvents } from '@fairlead/core';
import type { TicketRefusal } from '@fairlead/gateway';
import type { Lack } from './price.js';

/** After so long a page asks again although nothing was heard: a cooldown may have ended unseen. */
const ASK_AGAIN_MS = 5000;

type Changes = readonly (keyof PoolEvents)[];
const CHANGES = ['added', 'resumed', 'trial', 'active', 'closed'] as const satisfies Changes;
const RESUMED = ['target-resumed', 'closed'] as const satisfies Changes;
const FREED = [...CHANGES, 'settled'] as const satisfies Changes;

/** Resolves when a proxy may have become free for a page that none could carry. */
export async function untilFree(pool: Pool, code: string | undefined, url: string): Promise<void> {
  if (code !== 'TARGET_SUSPENDED') return heard(pool, lackOfCode(code) === 'busy' ? FREED : CHANGES);
  do await heard(pool, RESUMED);
  while (isSuspended(pool, url));
}

function heard(pool: Pool, events: Changes): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const off of offs) off();
      resolve();
    };
    const timer = setTimeout(done, ASK_AGAIN_MS);
    // The crawl keeps the process alive, as long as there is one.
    timer.unref();
    const offs = events.map((name) => pool.on(name, done));
  });
}

function isSuspended(pool: Pool, url: string): boolean {
  try {
    return pool.explain({ target: url }).suspendedForMs !== undefined;
  } catch {
    // The pool is closed, and says so to who asks for an exit.
    return false;
  }
}

/** What the pool lacks, by its own word. What became of one dial is not that, unless nobody got as far as to ask for the target. */
export function lackOf({ code, phase }: TicketRefusal): Lack | undefined {
  if (phase !== undefined && code.startsWith('PROXY_')) return phase === 'tunnel' ? undefined : 'exhausted';
  return lackOfCode(code);
}

function lackOfCode(code: string | undefined): Lack | undefined {
  switch (code) {
    case 'POOL_CLOSED':
      return 'closed';
    case 'UNKNOWN_ENDPOINT':
      return 'unfit';
    case 'POOL_EXHAUSTED':
    case 'QUEUE_FULL':
    case 'TARGET_SUSPENDED':
      return 'exhausted';
    case 'DEADLINE_EXCEEDED':
    case 'QUEUE_TIMEOUT':
      return 'busy';
    default:
      return undefined;
  }
}
