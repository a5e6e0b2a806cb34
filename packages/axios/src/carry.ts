import { FairleadError, notePoolInfo, type Decision, type Lease, type Run } from '@fairlead/core';
import { Exchange, type AgentClient } from '@fairlead/dial';
import { AxiosError, type AxiosAdapter, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { attempt, type Attempted } from './attempt.js';
import { Caller } from './caller.js';
import { hopTo } from './hop.js';
import { toLeaseRequest } from './lease-request.js';
import { Back, Legs, type Leg } from './legs.js';
import { RememberedRequest } from './pool-request.js';
import { Held } from './held.js';
import { hold, isStream } from './stream.js';

export interface Carriers extends AgentClient {
  /** The adapter that was there before us. */
  readonly inner: AxiosAdapter;
}

/** One request: a run for each host it is led to. Translates, never judges. */
export async function carry(config: InternalAxiosRequestConfig, carriers: Carriers): Promise<AxiosResponse> {
  const memory = RememberedRequest.of(config.pool || undefined);
  // What axios-retry sends again is this config.
  config.pool = memory;
  const caller = new Caller(config);
  let current = config;
  try {
    for (;;) {
      const run = carriers.pool.begin(toLeaseRequest(current, memory, caller.signal));
      const end = await runToEnd(run, current, { caller, ...carriers });
      if (end.kind === 'hop') {
        const next = hopTo(end, current);
        if (!(next instanceof AxiosError)) {
          current = next;
          continue;
        }
        notePoolInfo(next, run, end.lease);
        throw next;
      }
      if (end.kind === 'answer') memory.succeeded();
      else memory.failed(run);
      return deliver(end, config);
    }
  } catch (error) {
    // What axios puts on its own, and interceptors and axios-retry look for.
    if (error instanceof FairleadError) Object.assign(error, { config });
    throw error;
  } finally {
    caller.release();
  }
}

interface Called extends Carriers {
  readonly caller: Caller;
}

/** Attempts until the pool decides that it is over. */
async function runToEnd(run: Run, config: InternalAxiosRequestConfig, called: Called): Promise<Attempted> {
  const { caller } = called;
  const legs = new Legs(
    run,
    (lease) => send(config, run, lease, called),
    (wait) => caller.during(wait),
  );
  const held = new Held();
  try {
    return held.release(await untilOver(legs, held, run, config, caller));
  } finally {
    held.hold(undefined);
    legs.cancelRest();
  }
}

async function untilOver(
  legs: Legs<Attempted>,
  held: Held,
  run: Run,
  config: InternalAxiosRequestConfig,
  caller: Caller,
): Promise<Attempted> {
  for (;;) {
    const back: unknown = await legs.first().catch((error: unknown) => error);
    if (!(back instanceof Back)) return withoutLease(back, run, caller, held.answer);
    const { lease, result: tried } = back as Back<Attempted>;
    note(tried, run, lease);
    const streamed = isStream(tried.response?.data) ? tried.response.data : undefined;
    if (streamed !== undefined && !run.mayRepeat(tried.outcome)) {
      run.delivered();
      hold(streamed, lease, tried);
      return tried;
    }
    const decision = run.report(lease, tried.outcome);
    const again = decision.kind === 'reroute' || decision.kind === 'replay';
    const wanted = lease.verdict === 'success' || lease.verdict === 'final';
    // Another leg may still bring what this one could not; a body that is gone is not sent again.
    const on = !wanted && (legs.size > 0 || (again && !isStream(config.data)));
    if (!on) {
      run.end();
      return instead(tried, held.answer, config) ?? last(tried, decision, run, lease);
    }
    if (tried.response !== undefined) held.hold(tried);
  }
}

function send(config: InternalAxiosRequestConfig, run: Run, lease: Lease, carriers: Carriers): Leg<Attempted> {
  const exchange = new Exchange(lease);
  const since = performance.now();
  const back = attempt(config, run, lease, exchange, carriers);
  const cancel = (): void => {
    exchange.end();
    lease.settle({ kind: 'abandoned', elapsedMs: performance.now() - since });
    // Its answer may have come in the same moment.
    void back.then(({ response }) => isStream(response?.data) && response.data.destroy());
  };
  return { lease, back, cancel };
}

/** An answer that was not wanted says more than a proxy that failed after it. */
function instead(
  tried: Attempted,
  held: Attempted | undefined,
  { signal }: InternalAxiosRequestConfig,
): Attempted | undefined {
  return tried.kind === 'error' && tried.response === undefined && signal?.aborted !== true ? held : undefined;
}

function last(tried: Attempted, decision: Decision, run: Run, lease: Lease): Attempted {
  if (decision.kind !== 'give-up' || tried.kind !== 'error') return tried;
  notePoolInfo(decision.error, run, lease);
  throw Object.assign(decision.error, { cause: tried.subject });
}

function withoutLease(error: unknown, run: Run, caller: Caller, held: Attempted | undefined): Attempted {
  const aborted = (Object(error) as { code?: unknown }).code === 'ABORTED';
  if (!aborted && held !== undefined) return held;
  const reason = aborted ? caller.reason() : error;
  notePoolInfo(reason, run, undefined);
  throw reason;
}

function note(tried: Attempted, run: Run, lease: Lease): void {
  if (tried.kind === 'hop') return;
  notePoolInfo(tried.subject, run, lease);
  if (tried.response !== tried.subject) notePoolInfo(tried.response, run, lease);
}

/** The caller gets back the config it sent, not the one with our agents in it. */
function deliver(end: Exclude<Attempted, { kind: 'hop' }>, config: InternalAxiosRequestConfig): AxiosResponse {
  if (end.response !== undefined) end.response.config = config;
  if (end.kind === 'answer') return end.response;
  if (end.subject instanceof AxiosError) end.subject.config = config;
  throw end.subject;
}
