import { FairleadError, type Pool } from '@fairlead/core';
import { createAgentCache } from '@fairlead/dial';
import type { ExtendOptions, HandlerFunction, Hooks, RequestError } from 'got';
import { directRefused } from './bypass.js';
import { CarriedRequest, type Carriers } from './carried-request.js';
import { GOT_POOL_DEFAULTS, type GotOptions, type GotPoolOptions, type PoolContext } from './options.js';

/** Under this name a request's context holds what carries it: got copies the context from retry to retry and hop to hop. */
const CARRIED: unique symbol = Symbol('fairlead');

/** For `got.extend`: every request goes through the pool. */
export function gotPool(pool: Pool, options: GotPoolOptions = {}): ExtendOptions {
  const attachment = attach(pool, options);
  return { ...extensions(attachment), handlers: [handler(attachment)] };
}

/** The bare hooks and retry rule, for those who have handlers of their own. */
export function gotHooks(pool: Pool, options: GotPoolOptions = {}): Pick<ExtendOptions, 'hooks' | 'retry'> {
  return extensions(attach(pool, options));
}

interface Attachment extends Carriers {
  readonly allowDirect: boolean;
}

function attach(pool: Pool, options: GotPoolOptions): Attachment {
  if (pool.policy.hedge.perAttempt > 0) {
    throw new FairleadError(
      'POLICY_UNSUPPORTED',
      'got sends one request at a time: it cannot hedge as the policy asks',
    );
  }
  const { allowDirect, bodyBytes, ...kept } = { ...GOT_POOL_DEFAULTS, ...options };
  const agents = createAgentCache(kept);
  pool.on('removed', ({ endpoint }) => agents.retire(endpoint.id));
  pool.on('closed', () => agents.close());
  return { pool, agents, bodyBytes, allowDirect };
}

function extensions(attachment: Attachment): { hooks: Partial<Hooks>; retry: ExtendOptions['retry'] & object } {
  return {
    hooks: {
      beforeRequest: [
        async (options) => {
          if (bypasses(options, attachment)) return;
          const context = options.context as Carrying;
          context[CARRIED] ??= new CarriedRequest(attachment);
          await context[CARRIED].prepare(options);
        },
      ],
      afterResponse: [
        (response) => {
          const carried = carriedOf(response.request.options);
          carried?.seeBody(response);
          carried?.noteOn(response);
          return response;
        },
      ],
      beforeError: [
        (error) => {
          noteOn(error);
          return error;
        },
      ],
    },
    retry: {
      // got's own rules would say no to codes and methods that are the policy's to judge.
      enforceRetryRules: false,
      calculateDelay: ({ error, computedValue }) => {
        const carried = carriedOf(error.options);
        // A hook that wants another try with other options, or a request that went without the pool: got's own business.
        if (carried === undefined || error.name === 'RetryError') return computedValue;
        return carried.goesOn(error) ? AT_ONCE : 0;
      },
    },
  };
}

/** got takes 0 for "not again". */
const AT_ONCE = 1;

interface Carrying {
  [CARRIED]?: CarriedRequest;
}

function handler(attachment: Attachment): HandlerFunction {
  return (options, next) => {
    const carried = new CarriedRequest(attachment);
    (options.context as Carrying)[CARRIED] = carried;
    const result = next(options);
    const finish = (): void => carried.finish();
    if ('then' in result) result.then(finish, finish);
    else result.once('close', finish);
    return result;
  };
}

function bypasses({ context }: GotOptions, { allowDirect }: Attachment): boolean {
  if ((context as PoolContext).pool !== false) return false;
  if (!allowDirect) throw directRefused();
  delete (context as Carrying)[CARRIED];
  return true;
}

function carriedOf(options: GotOptions | undefined): CarriedRequest | undefined {
  return (options?.context as Carrying | undefined)?.[CARRIED];
}

function noteOn(error: RequestError): void {
  const carried = carriedOf(error.options);
  carried?.noteOn(error);
  if (error.response !== undefined) carried?.noteOn(error.response);
}
