import { toTarget, type Lease, type Outcome, type Run } from '@fairlead/core';
import {
  answered,
  DIAL_DEFAULTS,
  headersOf,
  viaOf,
  type Exchange,
  type LeasedAgents,
  type LeaseTerms,
  type PlainHeaders,
} from '@fairlead/dial';
import { AxiosError, AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { Carriers } from './carry.js';
import { sentBody, type Hop, type LedHop, type RedirectOptions } from './hop.js';
import { urlOf } from './lease-request.js';
import { isStream, peek } from './stream.js';

interface Observed {
  readonly outcome: Outcome;
  readonly exchange: Exchange;
}

/** What one attempt came to. An `error` has a response where axios rejects for the status of an answer. */
export type Attempted = Observed &
  (
    | { readonly kind: 'answer'; readonly response: AxiosResponse; readonly subject: AxiosResponse }
    | { readonly kind: 'error'; readonly response: AxiosResponse | undefined; readonly subject: unknown }
    | ({ readonly kind: 'hop'; readonly response: undefined } & LedHop)
  );

/** One attempt over one lease, by the adapter that was there before us. */
export async function attempt(
  config: InternalAxiosRequestConfig,
  run: Run,
  lease: Lease,
  exchange: Exchange,
  { inner, agents, bodyBytes, headers }: Carriers,
): Promise<Attempted> {
  const since = performance.now();
  const elapsed = (): number => performance.now() - since;
  const redirects = config.maxRedirects === 0 ? undefined : watchRedirects(config);
  const seen = (response: AxiosResponse): Promise<Outcome> => outcomeOf(response, elapsed(), bodyBytes);
  const failed = (error: unknown, response: boolean): Attempted => {
    const outcome = exchange.failure(error, elapsed(), { response, timedOut: hasTimedOut(config) });
    return { kind: 'error', response: undefined, subject: error, outcome, exchange };
  };
  let leased: LeasedAgents | undefined;
  let response: AxiosResponse | undefined;
  try {
    leased = agents.lease(lease.endpoint, terms(config, run, exchange));
    // `proxy: false`, or HTTP_PROXY of the environment would win over the agents.
    const own = { proxy: false as const, httpAgent: leased.http, httpsAgent: leased.https, ...redirects?.config };
    const added = headersOf(headers, run, lease);
    const identity = added && { headers: AxiosHeaders.concat(config.headers, added) };
    response = await inner({ ...config, ...identity, ...own });
    return { kind: 'answer', response, subject: response, outcome: await seen(response), exchange };
  } catch (error) {
    const hop = redirects?.hop;
    if (hop !== undefined) {
      const { status, headers } = hop;
      const outcome = answered({ status, headers, latencyMs: elapsed() });
      return { ...hop, lease, body: sentBody(error), kind: 'hop', response: undefined, outcome, exchange };
    }
    // The first of its body did not come.
    if (response !== undefined) return failed(AxiosError.from(error as Error, undefined, config), true);
    // axios rejects for a status that `validateStatus` refuses: an answer all the same. One that broke off has no data.
    const { response: refused }: { response?: AxiosResponse } = Object(error);
    if (refused === undefined || !('data' in refused)) return failed(error, refused !== undefined);
    return seen(refused).then(
      (outcome) => ({ kind: 'error', response: refused, subject: error, outcome, exchange }),
      (broken: Error) => failed(AxiosError.from(broken, undefined, config), true),
    );
  } finally {
    leased?.close();
  }
}

function terms({ timeout }: InternalAxiosRequestConfig, run: Run, { onRequest }: Exchange): LeaseTerms {
  const { session } = run.request;
  // axios's own timeout starts only once there is a socket. It takes a text too.
  const timeoutMs = timeout ? Math.min(Number.parseInt(String(timeout), 10), DIAL_DEFAULTS.timeoutMs) : undefined;
  return {
    onRequest,
    ...(session === undefined ? undefined : { session }),
    ...(timeoutMs === undefined ? undefined : { timeoutMs }),
  };
}

/** `AbortSignal.timeout` is a timeout, though axios says that the request was canceled. */
function hasTimedOut({ signal }: InternalAxiosRequestConfig): boolean {
  const { reason }: { reason?: { name?: unknown } } = Object(signal);
  return signal?.aborted === true && reason?.name === 'TimeoutError';
}

interface WatchedRedirects {
  readonly config: Pick<InternalAxiosRequestConfig, 'beforeRedirect'>;
  hop: (Hop & { readonly status: number; readonly headers: PlainHeaders }) | undefined;
}

/** On the same host a redirect keeps its lease; one that leaves it is stopped and sent under a lease for its own target. */
function watchRedirects(config: InternalAxiosRequestConfig): WatchedRedirects {
  let count = 0;
  const watched: WatchedRedirects = { config: { beforeRedirect: follow }, hop: undefined };
  function follow(...redirect: Parameters<NonNullable<typeof config.beforeRedirect>>): void {
    config.beforeRedirect?.(...redirect);
    count += 1;
    const [next, { statusCode, headers }] = redirect;
    const options = next as unknown as RedirectOptions;
    if (toTarget(options.href) === toTarget(urlOf(config))) return;
    watched.hop = { options, count, status: Number(statusCode), headers };
    throw new Error('the redirect leads to another host');
  }
  return watched;
}

/** With as much of the body as is asked for; what is taken from a stream is put back. */
async function outcomeOf(response: AxiosResponse, latencyMs: number, bodyBytes: number): Promise<Outcome> {
  const { status, headers, request, data } = response as AxiosResponse<unknown>;
  const answer = { status, headers: headers as PlainHeaders, latencyMs, via: viaOf(request) };
  if (bodyBytes === 0) return answered(answer);
  if (!isStream(data)) return answered({ ...answer, bodyPrefix: bodyPrefix(data, bodyBytes) });
  const { prefix, whole } = await peek(data, bodyBytes);
  response.data = whole;
  return answered({ ...answer, bodyPrefix: prefix });
}

function bodyPrefix(data: unknown, bytes: number): Uint8Array | undefined {
  if (typeof data === 'string') return Buffer.from(data.slice(0, bytes)).subarray(0, bytes);
  return data instanceof Uint8Array ? data.subarray(0, bytes) : undefined;
}
