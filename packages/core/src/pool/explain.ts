import type { EndpointId } from '../endpoint.js';
import { costOf, rateOf } from '../kernel/estimate.js';
import type { Eligibility } from '../kernel/query.js';
import type { Dispatcher } from './dispatcher.js';
import type { Run } from './run.js';

/** Why an endpoint would or would not carry a request now. */
export interface EndpointExplanation {
  readonly id: EndpointId;
  /** `ok`, or what is in the way. */
  readonly why: Eligibility;
  /** Expected milliseconds to a success through it, now; lower is better. */
  readonly costMs: number;
  readonly successRate: number;
  readonly inFlight: number;
}

/** What the pool would do with a request, and why. */
export interface Explanation {
  readonly target: string;
  /** For how many milliseconds the target is left alone; Infinity until it is resumed; undefined when it is not. */
  readonly suspendedForMs: number | undefined;
  readonly breakerOpen: boolean;
  /** Least interval between two uses of one endpoint on the target; 0 is no pace. */
  readonly paceMs: number;
  readonly pinnedTo: EndpointId | undefined;
  /** Cheapest first, those that could carry it before those that could not. */
  readonly endpoints: readonly EndpointExplanation[];
}

/** Reads; changes nothing but what time has changed already. */
export function explainRun(dispatcher: Dispatcher, run: Run): Explanation {
  const { kernel, roster, members } = dispatcher;
  const { query, suspendedUntil } = dispatcher.ask(run);
  const { table, fleet, constants } = kernel.state;
  const endpoints = [...roster].map(([{ id }, row]) => ({
    id,
    why: members.eligibility(row, query),
    costMs: costOf(table, fleet, row, query.now, constants),
    successRate: rateOf(table, fleet, row, query.now, constants),
    inFlight: table.inFlight[row]!,
  }));
  return {
    target: run.target,
    suspendedForMs: suspendedUntil > 0 ? suspendedUntil - query.now : undefined,
    breakerOpen: kernel.breakerOpen(query.target),
    paceMs: kernel.emissionMs(query.target),
    pinnedTo: run.session === undefined ? undefined : dispatcher.sessions.exitOf(run.session),
    endpoints: endpoints.sort((a, b) => Number(b.why === 'ok') - Number(a.why === 'ok') || a.costMs - b.costMs),
  };
}
