import { ConfigurationError, FairleadError } from '../errors.js';
import { ownOptions } from '../option-check.js';
import { compileTargetPattern, type TargetMatcher } from '../policy/target-rules.js';
import { toTargetUrl } from '../target.js';
import type { Attempt } from './attempt-loop.js';
import type { Lease } from './lease.js';
import { resolveOptions, type PoolOptions, type ResolvedOptions } from './options.js';
import { Pool } from './pool.js';
import type { LeaseRequest } from './request.js';
import type { PoolStats } from './stats.js';

/** Pools by target: each with its own proxies, limits and policy, so that one bad target harms no other. */
export interface Router {
  /** The pool of a target, the named default (`*`), or an error with the code `UNKNOWN_TARGET`. */
  poolFor(target: string | URL): Pool;
  acquire(request: LeaseRequest): Promise<Lease>;
  run<T>(request: LeaseRequest, attempt: Attempt<T>): Promise<T>;
  allStats(): Readonly<Record<string, PoolStats>>;
  close(): Promise<void>;
}

interface Route {
  readonly pattern: string;
  readonly matches: TargetMatcher;
  readonly pool: Pool;
}

/** Makes one pool per pattern; the first that matches serves, `*` whatever no other does. */
export function createRouter(routes: Readonly<Record<string, PoolOptions>>): Router {
  const known = Object.keys(ownOptions(routes, 'routes'));
  if (known.length === 0) throw new ConfigurationError('INVALID_OPTION', 'routes', 'must name a target, or *');
  const compiled = openAll(
    known.map((pattern, index) => ({
      pattern,
      matches: compileTargetPattern(pattern, `routes[${index}]`),
      options: resolveOptions({ name: pattern, ...ownOptions(routes[pattern]!, `routes[${index}]`) }),
    })),
  );
  const ordered = [
    ...compiled.filter(({ pattern }) => pattern !== '*'),
    ...compiled.filter(({ pattern }) => pattern === '*'),
  ];
  const poolFor = (target: string | URL): Pool => {
    const url = toTargetUrl(target);
    const route = ordered.find(({ matches }) => matches(url));
    if (route === undefined)
      throw new FairleadError('UNKNOWN_TARGET', `no route for ${url.host}; known are ${known.join(', ')}`);
    return route.pool;
  };
  return {
    poolFor,
    acquire: async (request) => poolFor(request.target).acquire(request),
    run: async (request, attempt) => poolFor(request.target).run(request, attempt),
    allStats: () => Object.fromEntries(compiled.map(({ pattern, pool }) => [pattern, pool.stats()])),
    close: async () => {
      await Promise.all(compiled.map(({ pool }) => pool.close()));
    },
  };
}

/** All or none: a mistake that only a pool itself finds must not leave those before it at work on their stores. */
function openAll(routes: readonly (Omit<Route, 'pool'> & { readonly options: ResolvedOptions })[]): readonly Route[] {
  const open: Route[] = [];
  try {
    for (const { options, ...route } of routes) open.push({ ...route, pool: new Pool(options) });
  } catch (error) {
    for (const { pool } of open) void pool.close();
    throw error;
  }
  return open;
}
