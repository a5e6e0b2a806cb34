import { FairleadError, type Pool } from '@fairlead/core';
import type { Dispatcher } from 'undici';
import { CarriedDispatch, type CarriedOptions } from './carried-dispatch.js';
import { EndpointAgents } from './endpoint-agents.js';
import { Memory } from './memory.js';
import { POOL_DISPATCHER_DEFAULTS, type PoolDispatcherOptions } from './options.js';

/**
 * For `dispatcher.compose`: every request goes through the pool, on connections of its own. The composed dispatcher itself
 * is used for nothing but `pool: false`.
 */
export function poolInterceptor(
  pool: Pool,
  options: PoolDispatcherOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  const agents = new EndpointAgents(options);
  const { allowDirect } = { ...POOL_DISPATCHER_DEFAULTS, ...options };
  pool.on('removed', ({ endpoint }) => agents.retire(endpoint.id));
  pool.on('closed', () => agents.close());
  const carriers = { pool, agents, memory: new Memory() };
  return (dispatch) => (asked, handler) => {
    const carried = asked as CarriedOptions;
    if (carried.pool !== false) new CarriedDispatch(carried, handler, carriers).start();
    else if (allowDirect) return dispatch(asked, handler);
    else
      throw new FairleadError(
        'POLICY_UNSUPPORTED',
        "'pool: false' would connect directly; it needs 'allowDirect: true'",
      );
    return true;
  };
}
