import type { Pool, PoolEvents } from '@fairlead/core';
import type { TicketRefusal } from '@fairlead/gateway';

/** After so long a page asks again although nothing was heard: a cooldown may have ended unseen. */
const ASK_AGAIN_MS = 5000;

const CHANGES = [
  'added',
  'resumed',
  'trial',
  'active',
  'target-resumed',
  'closed',
] as const satisfies readonly (keyof PoolEvents)[];

/** Resolves when a proxy may have become free for a page that none could carry. */
export function somethingChanged(pool: Pool): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const off of offs) off();
      resolve();
    };
    const timer = setTimeout(done, ASK_AGAIN_MS);
    const offs = CHANGES.map((name) => pool.on(name, done));
  });
}

/** Every proxy that could have carried it was tried, or none could. What a proxy says of the target (PROXY_TUNNEL) is not that. */
const EXHAUSTED: ReadonlySet<string> = new Set([
  'POOL_EXHAUSTED',
  'DEADLINE_EXCEEDED',
  'QUEUE_FULL',
  'TARGET_SUSPENDED',
  'UNKNOWN_ENDPOINT',
  'PROXY_CONNECT',
  'PROXY_AUTH',
  'PROXY_CLOSED',
  'PROXY_PROTOCOL',
  'PROXY_TIMEOUT',
]);

export function isExhausted({ code }: TicketRefusal): boolean {
  return EXHAUSTED.has(code);
}
