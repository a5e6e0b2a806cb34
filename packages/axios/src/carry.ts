import { notePoolInfo, toTarget, type LeaseRequest, type Lease, type Pool, type Run } from '@fairlead/core';
import type { AgentCache } from '@fairlead/dial';
import {
  AxiosError,
  CanceledError,
  type AxiosAdapter,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { attempt, type Attempted } from './attempt.js';
import { hopTo } from './hop.js';
import { RememberedRequest } from './pool-request.js';
import { hold, isStream } from './stream.js';

export interface Carriers {
  readonly pool: Pool;
  readonly inner: AxiosAdapter;
  readonly agents: AgentCache;
  readonly bodyBytes: number;
}

/** One request: a run for each host it is led to. Translates, never judges. */
export async function carry(config: InternalAxiosRequestConfig, carriers: Carriers): Promise<AxiosResponse> {
  const memory = RememberedRequest.of(config.pool === false ? undefined : config.pool);
  let current = config;
  for (;;) {
    const run = carriers.pool.begin(toLeaseRequest(current, memory));
    const end = await runToEnd(run, current, carriers);
    if (end.kind === 'hop') {
      current = hopTo(end, current);
      continue;
    }
    if (end.kind === 'answer') memory.succeeded();
    else memory.failed(run);
    return deliver(end, config);
  }
}

/** Attempts until the pool decides that it is over. */
async function runToEnd(run: Run, config: InternalAxiosRequestConfig, carriers: Carriers): Promise<Attempted> {
  /** The last answer that was to be replaced: what the caller gets when all after it are dead. */
  let held: Attempted | undefined;
  for (;;) {
    const lease = await nextLease(run, config, held);
    if (lease === undefined) return held!;
    const tried = await attempt(config, run, lease, carriers);
    notePoolInfo(tried.kind === 'hop' ? undefined : tried.subject, run, lease);
    notePoolInfo(tried.response, run, lease);
    if (isStream(tried.response?.data) && !run.mayRepeat(tried.outcome)) {
      run.delivered();
      hold(tried.response.data, lease, tried);
      return tried;
    }
    const decision = run.report(lease, tried.outcome);
    const again = decision.kind === 'reroute' || decision.kind === 'replay';
    if (!again || isSpent(config.data)) {
      if (
        tried.kind === 'error' &&
        tried.response === undefined &&
        held !== undefined &&
        config.signal?.aborted !== true
      )
        return held;
      if (decision.kind === 'give-up' && tried.kind === 'error') {
        notePoolInfo(decision.error, run, lease);
        throw Object.assign(decision.error, { cause: tried.subject });
      }
      return tried;
    }
    if (isStream(tried.response?.data)) tried.response.data.destroy();
    else if (tried.response !== undefined) held = tried;
  }
}

/** Undefined when nobody is left and an answer is held. */
async function nextLease(
  run: Run,
  config: InternalAxiosRequestConfig,
  held: Attempted | undefined,
): Promise<Lease | undefined> {
  try {
    return await run.next();
  } catch (error) {
    notePoolInfo(error, run, undefined);
    // What axios itself says of a request that its caller has called off.
    if ((Object(error) as { code?: unknown }).code === 'ABORTED') throw new CanceledError(undefined, config as never);
    if (held !== undefined) return undefined;
    throw error;
  }
}

/** The caller gets back the config it sent, not the one with our agents in it. */
function deliver(end: Exclude<Attempted, { kind: 'hop' }>, config: InternalAxiosRequestConfig): AxiosResponse {
  if (end.response !== undefined) end.response.config = config;
  if (end.kind === 'answer') return end.response;
  if (end.subject instanceof AxiosError) end.subject.config = config;
  throw end.subject;
}

function toLeaseRequest(config: InternalAxiosRequestConfig, memory: RememberedRequest): LeaseRequest {
  const { method, signal, data } = config;
  return {
    ...memory.terms(),
    ...(method === undefined ? {} : { method }),
    ...(signal instanceof AbortSignal ? { signal } : {}),
    // A stream is gone once it was piped: it can be sent once, whatever the caller allows.
    ...(isStream(data) ? { idempotent: false } : {}),
    target: toTarget(urlOf(config)),
  };
}

const ABSOLUTE = /^([a-z][a-z\d+\-.]*:)?\/\//i;

/** As much of the URL as the pool looks at; `getUri` would merge the whole config anew for it. */
function urlOf({ url = '', baseURL, allowAbsoluteUrls }: InternalAxiosRequestConfig): string {
  return baseURL === undefined || (ABSOLUTE.test(url) && allowAbsoluteUrls !== false) ? url : baseURL;
}

function isSpent(data: unknown): boolean {
  return isStream(data);
}
