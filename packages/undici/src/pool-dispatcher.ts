import { callbackify } from 'node:util';
import type { Pool } from '@fairlead/core';
import { Agent, errors, type Dispatcher } from 'undici';
import type { PoolDispatcherOptions } from './options.js';
import { poolCarrier, type PoolCarrier } from './pool-interceptor.js';
import { currentHandler } from './raw-handler.js';

/** A dispatcher that sends every request through the pool: for `setGlobalDispatcher`, or as `dispatcher` of a request. */
export function poolDispatcher(pool: Pool, options: PoolDispatcherOptions = {}): Dispatcher {
  // It connects for nobody but `pool: false`.
  const { tls, agent } = options;
  const below = new Agent({ ...agent, ...(tls === undefined ? {} : { connect: tls as object }) });
  const carrier = poolCarrier(pool, options);
  const composed = below.compose(carrier.interceptor);
  const own = {
    ...endsOf(below, carrier),
    dispatch: (asked: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) =>
      composed.dispatch(asked, currentHandler(handler)),
  };
  return new Proxy(composed, {
    get: (target, key) => (Object.hasOwn(own, key) ? own[key as keyof typeof own] : Reflect.get(target, key)),
  });
}

type Callback = (error?: Error | null) => void;

/** The agent below knows nothing of what goes through the pool. */
function endsOf(below: Agent, carrier: PoolCarrier): Record<'close' | 'destroy', unknown> {
  return {
    close: (callback?: Callback) => {
      const underWay = carrier.end(new errors.ClientClosedError());
      return settle(
        underWay.over().then(() => below.close()),
        callback,
      );
    },
    destroy: (reason?: Error | Callback | null, callback?: Callback) => {
      const error = reason instanceof Error ? reason : new errors.ClientDestroyedError();
      carrier.end(error).abort(error);
      return settle(below.destroy(error), typeof reason === 'function' ? reason : callback);
    },
  };
}

/** undici's methods take a callback too. */
function settle(whole: Promise<void>, callback: Callback | undefined): Promise<void> | undefined {
  if (callback === undefined) return whole;
  return void callbackify(() => whole)(callback);
}
