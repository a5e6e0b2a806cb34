import { CriticalError } from '@crawlee/core';

const HOOKS = ['preNavigationHooks', 'postNavigationHooks', 'errorHandler', 'failedRequestHandler'] as const;

/** What a crawler was given of the pool's. */
export type Wiring = Readonly<Record<(typeof HOOKS)[number], unknown>>;

/**
 * A key that stands after the spread replaces the pool's, and the pool would hear nothing of what pages come to. Any of its
 * hooks that is left finds out.
 */
export function refuseOverwritten(crawler: object, wiring: Wiring): void {
  const has = crawler as Partial<Wiring>;
  const lost = HOOKS.find((name) => name in crawler && !holds(has[name], wiring[name]));
  if (lost === undefined) return;
  throw new CriticalError(
    `the crawler has another ${lost} than that of the pool: pass yours to crawleePool(pool, { ${lost} }) instead`,
  );
}

/** Crawlee's HTTP crawlers have a hook of their own in front, which ends pages by their content type before the pool has heard. */
export function putFirst(crawler: object, own: unknown): void {
  const { postNavigationHooks: hooks } = crawler as Partial<Wiring>;
  if (!Array.isArray(hooks) || hooks[0] === own) return;
  hooks.splice(hooks.indexOf(own), 1);
  hooks.unshift(own);
}

function holds(actual: unknown, own: unknown): boolean {
  if (actual === own) return true;
  return Array.isArray(actual) && Array.isArray(own) && actual.includes(own[0]);
}
