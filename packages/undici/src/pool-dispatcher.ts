import type { Pool } from '@fairlead/core';
import { Agent, type Dispatcher } from 'undici';
import type { PoolDispatcherOptions } from './options.js';
import { poolInterceptor } from './pool-interceptor.js';

/** A dispatcher that sends every request through the pool: for `setGlobalDispatcher`, or as `dispatcher` of a request. */
export function poolDispatcher(pool: Pool, options: PoolDispatcherOptions = {}): Dispatcher {
  // It connects for nobody but `pool: false`; composing also brings handlers of older undicis up to date.
  const { tls, agent } = options;
  return new Agent({ ...agent, ...(tls === undefined ? {} : { connect: tls as object }) }).compose(
    poolInterceptor(pool, options),
  );
}
