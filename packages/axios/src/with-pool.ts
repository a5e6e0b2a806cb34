import type { Lease, LeaseRequest, Outcome, Pool } from '@fairlead/core';
import { createAgentCache, failureOf, viaOf, type AgentCache } from '@fairlead/dial';
import {
  getAdapter,
  type AxiosAdapter,
  type AxiosInstance,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { eitherSignal } from './either-signal.js';
import type { PoolRequest } from './pool-request.js';

/** Sends every request of `instance` through the pool, and answers the same instance. */
export function withPool(instance: AxiosInstance, pool: Pool): AxiosInstance {
  const inner = getAdapter(instance.defaults.adapter);
  const agents = createAgentCache();
  pool.on('removed', ({ endpoint }) => agents.retire(endpoint.id));
  instance.defaults.adapter = (config) => send(config, { instance, pool, inner, agents });
  return instance;
}

interface Context {
  readonly instance: AxiosInstance;
  readonly pool: Pool;
  readonly inner: AxiosAdapter;
  readonly agents: AgentCache;
}

/** One request: attempts until the pool decides that it is over. Translates, never judges. */
async function send(config: InternalAxiosRequestConfig, context: Context): Promise<AxiosResponse> {
  const run = context.pool.begin(toLeaseRequest(config, context.instance));
  for (;;) {
    const lease = await run.next();
    const since = performance.now();
    const result = await attempt(config, lease, context);
    const decision = run.report(lease, toOutcome(result, performance.now() - since));
    if (decision.kind === 'reroute' || decision.kind === 'replay') continue;
    if ('response' in result) return result.response;
    throw decision.kind === 'give-up' ? Object.assign(decision.error, { cause: result.error }) : result.error;
  }
}

type Result = { readonly response: AxiosResponse } | { readonly error: unknown };

async function attempt(config: InternalAxiosRequestConfig, lease: Lease, { agents, inner }: Context): Promise<Result> {
  const { session } = config.pool ?? {};
  const leased = agents.lease(lease.endpoint, session === undefined ? {} : { session });
  const { signal, release } = eitherSignal(lease.signal, config.signal);
  try {
    // `proxy: false`, or HTTP_PROXY of the environment would win over the agents.
    const own = { proxy: false as const, httpAgent: leased.http, httpsAgent: leased.https, signal };
    return { response: await inner({ ...config, ...own }) };
  } catch (error) {
    return { error };
  } finally {
    release();
    leased.close();
  }
}

function toLeaseRequest(config: InternalAxiosRequestConfig, instance: AxiosInstance): LeaseRequest {
  const own: PoolRequest = config.pool ?? {};
  const signal = config.signal instanceof AbortSignal ? { signal: config.signal } : {};
  const method = config.method === undefined ? {} : { method: config.method };
  return { ...own, ...method, ...signal, target: new URL(instance.getUri(config)) };
}

function toOutcome(result: Result, latencyMs: number): Outcome {
  const response = 'response' in result ? result.response : responseIn(result.error);
  if (response === undefined) return failureOf('error' in result ? result.error : undefined, latencyMs);
  const { status, headers, request } = response;
  const get = (name: string): string | undefined => {
    const value: unknown = headers[name];
    return value == null ? undefined : String(value);
  };
  const via = viaOf(request);
  return { kind: 'response', status, latencyMs, headers: { get }, ...(via === undefined ? {} : { via }) };
}

/** axios rejects for a status that `validateStatus` refuses: an answer all the same. */
function responseIn(error: unknown): AxiosResponse | undefined {
  const { response }: { response?: AxiosResponse } = Object(error);
  return response;
}
