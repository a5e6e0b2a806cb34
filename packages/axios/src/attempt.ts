import { toTarget, type Lease, type Outcome, type ResponseOutcome, type Run } from '@fairlead/core';
import { DIAL_DEFAULTS, Exchange, viaOf, type LeaseTerms } from '@fairlead/dial';
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { Carriers } from './carry.js';
import type { Hop, RedirectOptions } from './hop.js';

interface Observed {
  readonly outcome: Outcome;
  readonly exchange: Exchange;
}

/** What one attempt came to. An `error` has a response where axios rejects for the status of an answer. */
export type Attempted = Observed &
  (
    | { readonly kind: 'answer'; readonly response: AxiosResponse; readonly subject: AxiosResponse }
    | { readonly kind: 'error'; readonly response: AxiosResponse | undefined; readonly subject: unknown }
    | ({ readonly kind: 'hop'; readonly response: undefined } & Hop)
  );

/** One attempt over one lease, by the adapter that was there before us. */
export async function attempt(
  config: InternalAxiosRequestConfig,
  run: Run,
  lease: Lease,
  { inner, agents, bodyBytes }: Carriers,
): Promise<Attempted> {
  const exchange = new Exchange(lease);
  const leased = agents.lease(lease.endpoint, terms(config, run, exchange));
  const since = performance.now();
  const elapsed = (): number => performance.now() - since;
  const redirects = watchRedirects(config, run);
  const seen = (response: AxiosResponse): Outcome => outcomeOf(response, elapsed(), bodyBytes);
  try {
    // `proxy: false`, or HTTP_PROXY of the environment would win over the agents.
    const own = { proxy: false as const, httpAgent: leased.http, httpsAgent: leased.https, ...redirects.config };
    const response = await inner({ ...config, ...own });
    return { kind: 'answer', response, subject: response, outcome: seen(response), exchange };
  } catch (error) {
    const { hop } = redirects;
    if (hop !== undefined) {
      const { status, headers } = hop;
      return { ...hop, kind: 'hop', response: undefined, outcome: head(status, headers, elapsed()), exchange };
    }
    // axios rejects for a status that `validateStatus` refuses: an answer all the same. One that broke off has no data.
    const { response }: { response?: AxiosResponse } = Object(error);
    const whole = response !== undefined && 'data' in response;
    const outcome = whole ? seen(response) : exchange.failure(error, elapsed(), { response: response !== undefined });
    return { kind: 'error', response, subject: error, outcome, exchange };
  } finally {
    leased.close();
  }
}

function terms({ timeout }: InternalAxiosRequestConfig, run: Run, { onRequest }: Exchange): LeaseTerms {
  const { session } = run.request;
  return {
    onRequest,
    ...(session === undefined ? {} : { session }),
    // axios's own timeout starts only once there is a socket.
    ...(timeout ? { timeoutMs: Math.min(timeout, DIAL_DEFAULTS.timeoutMs) } : {}),
  };
}

type Headers = Readonly<Record<string, unknown>>;

interface WatchedRedirects {
  readonly config: Pick<InternalAxiosRequestConfig, 'beforeRedirect'>;
  hop: (Hop & { readonly status: number; readonly headers: Headers }) | undefined;
}

/** On the same host a redirect keeps its lease; one that leaves it is stopped and sent under a lease for its own target. */
function watchRedirects(config: InternalAxiosRequestConfig, run: Run): WatchedRedirects {
  let count = 0;
  const watched: WatchedRedirects = { config: { beforeRedirect: follow }, hop: undefined };
  function follow(...redirect: Parameters<NonNullable<typeof config.beforeRedirect>>): void {
    config.beforeRedirect?.(...redirect);
    count += 1;
    const [next, { statusCode, headers }] = redirect;
    const options = next as unknown as RedirectOptions;
    if (toTarget(options.href) === run.target) return;
    watched.hop = { options, count, status: Number(statusCode), headers };
    throw new Error('the redirect leads to another host');
  }
  return watched;
}

function outcomeOf({ status, headers, request, data }: AxiosResponse, latencyMs: number, bodyBytes: number): Outcome {
  const via = viaOf(request);
  const prefix = bodyBytes > 0 ? bodyPrefix(data, bodyBytes) : undefined;
  return {
    ...head(status, headers, latencyMs),
    ...(via === undefined ? {} : { via }),
    ...(prefix === undefined ? {} : { bodyPrefix: prefix }),
  };
}

function head(status: number, headers: Headers, latencyMs: number): ResponseOutcome {
  const get = (name: string): string | undefined => {
    const value = headers[name];
    return value == null ? undefined : String(value);
  };
  return { kind: 'response', status, latencyMs, headers: { get } };
}

function bodyPrefix(data: unknown, bytes: number): Uint8Array | undefined {
  if (typeof data === 'string') return Buffer.from(data.slice(0, bytes)).subarray(0, bytes);
  return data instanceof Uint8Array ? data.subarray(0, bytes) : undefined;
}
