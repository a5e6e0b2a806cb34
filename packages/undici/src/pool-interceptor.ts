import { checkKeys, type Pool } from '@fairlead/core';
import { checkCacheTerms, checkClientOptions, directRefused, PoolShares, StandInController } from '@fairlead/dial';
import type { Dispatcher } from 'undici';
import { CarriedDispatch, type CarriedOptions } from './carried-dispatch.js';
import { EndpointAgents, type EndpointAgentOptions } from './endpoint-agents.js';
import { Memory } from './memory.js';
import { KEYS, POOL_DISPATCHER_DEFAULTS, type PoolDispatcherOptions } from './options.js';
import { UnderWay } from './under-way.js';

/** An interceptor that can be taken out of use. */
export interface PoolCarrier {
  readonly interceptor: Dispatcher.DispatcherComposeInterceptor;
  /** Refuses what comes from now on, and answers what is under way. */
  end(reason: Error): UnderWay;
}

const shares = new PoolShares<EndpointAgents, EndpointAgentOptions>((options) => new EndpointAgents(options));

/**
 * For `dispatcher.compose`: every request goes through the pool, on connections of its own. The composed dispatcher itself
 * is used for nothing but `pool: false`.
 */
export function poolInterceptor(
  pool: Pool,
  options: PoolDispatcherOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  return poolCarrier(pool, options).interceptor;
}

export function poolCarrier(pool: Pool, options: PoolDispatcherOptions): PoolCarrier {
  checkKeys(options, KEYS, '');
  const { allowDirect, bodyBytes, headers, ...own } = { ...POOL_DISPATCHER_DEFAULTS, ...options };
  checkClientOptions({ allowDirect, bodyBytes, headers });
  checkCacheTerms(own);
  const { kept: agents, release } = shares.share(pool, own);
  const underWay = new UnderWay();
  const carriers = { pool, agents, memory: new Memory(), bodyBytes, headers, underWay };
  let ended: Error | undefined;
  const end = (reason: Error): UnderWay => {
    ended ??= reason;
    release();
    return underWay;
  };
  const interceptor: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (asked, handler) => {
    if (ended !== undefined) {
      handler.onResponseError?.(new StandInController(() => undefined), ended);
      return false;
    }
    // A copy in a shape that all of them have: undici's own clients make a shape anew for each, and V8 looks for every
    // option in it as if it were the first, at the cost of a whole copy for two.
    const carried = { ...asked } as CarriedOptions;
    if (carried.pool === false) {
      if (allowDirect) return dispatch(asked, handler);
      throw directRefused();
    }
    new CarriedDispatch(carried, handler, carriers).start();
    return true;
  };
  return { interceptor, end };
}
