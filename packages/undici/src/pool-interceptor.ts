import { checkKeys, type Pool } from '@fairlead/core';
import { checkCacheTerms, checkClientOptions, directRefused, dropWithPool } from '@fairlead/dial';
import type { Dispatcher } from 'undici';
import { CarriedDispatch, type CarriedOptions } from './carried-dispatch.js';
import { EndpointAgents } from './endpoint-agents.js';
import { Memory } from './memory.js';
import { KEYS, POOL_DISPATCHER_DEFAULTS, type PoolDispatcherOptions } from './options.js';

/**
 * For `dispatcher.compose`: every request goes through the pool, on connections of its own. The composed dispatcher itself
 * is used for nothing but `pool: false`.
 */
export function poolInterceptor(
  pool: Pool,
  options: PoolDispatcherOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  checkKeys(options, KEYS, '');
  const { allowDirect, bodyBytes } = { ...POOL_DISPATCHER_DEFAULTS, ...options };
  checkClientOptions({ allowDirect, bodyBytes });
  checkCacheTerms(options);
  const agents = new EndpointAgents(options);
  dropWithPool(pool, agents);
  const carriers = { pool, agents, memory: new Memory(), bodyBytes };
  return (dispatch) => (asked, handler) => {
    const carried = asked as CarriedOptions;
    if (carried.pool === false) {
      if (allowDirect) return dispatch(asked, handler);
      throw directRefused();
    }
    new CarriedDispatch(carried, handler, carriers).start();
    return true;
  };
}
