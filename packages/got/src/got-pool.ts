import type { Pool } from '@fairlead/core';
import { agentClient, directRefused, type AgentClient, type AgentClientOptions } from '@fairlead/dial';
import type { ExtendOptions, HandlerFunction, Hooks, RequestError } from 'got';
import { refuseCompany } from './bypass.js';
import { CarriedRequest } from './carried-request.js';
import type { GotOptions, PoolContext } from './options.js';

/** Under this name a request's context holds what carries it: got copies the context from retry to retry and hop to hop. */
const CARRIED: unique symbol = Symbol('fairlead');

/** For `got.extend`: every request goes through the pool. */
export function gotPool(pool: Pool, options: AgentClientOptions = {}): ExtendOptions {
  const attachment = attach(pool, options);
  return { ...extensions(attachment), handlers: [handler(attachment)] };
}

/** The bare hooks and retry rule, for those who have handlers of their own. */
export function gotHooks(pool: Pool, options: AgentClientOptions = {}): Pick<ExtendOptions, 'hooks' | 'retry'> {
  return extensions(attach(pool, options));
}

function attach(pool: Pool, options: AgentClientOptions): AgentClient {
  refuseCompany(pool.policy);
  return agentClient(pool, options);
}

function extensions(attachment: AgentClient): { hooks: Partial<Hooks>; retry: ExtendOptions['retry'] & object } {
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
          const carried = carriedOf(error.options);
          noteOn(error);
          // Where no handler of ours is told of the end. A redirect too many, or a hook that throws, leaves a lease out.
          carried?.finish(error);
          return carried?.instead(error) ?? error;
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

function handler(attachment: AgentClient): HandlerFunction {
  return (options, next) => {
    const carried = new CarriedRequest(attachment);
    (options.context as Carrying)[CARRIED] = carried;
    const result = next(options);
    const finish = (subject?: unknown): void => {
      carried.finish();
      // A cancelled promise, or a request that was aborted in line, has come by no hook of ours.
      if (typeof subject === 'object' && subject !== null) carried.noteOn(subject);
    };
    if ('then' in result) result.then(() => carried.finish(), finish);
    else {
      result.once('response', (response: object) => {
        carried.noteOn(response);
        carried.noteOn(result);
      });
      result.once('close', () => finish(result));
    }
    return result;
  };
}

function bypasses({ context }: GotOptions, { allowDirect }: AgentClient): boolean {
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
