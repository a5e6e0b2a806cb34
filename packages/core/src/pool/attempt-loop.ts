import type { Outcome } from '../outcome.js';
import type { Clock } from '../ports/clock.js';
import type { Lease } from './lease.js';
import type { Run } from './run.js';

/** Does the work over one lease. */
export type Attempt<T> = (lease: Lease) => Promise<T> | T;

/** An error that knows what was observed when it was thrown. Adapters throw it, or anything else. */
export interface OutcomeError {
  readonly outcome: Outcome;
}

/** The loop over a run, for callers whose library has none of its own. */
export async function attemptLoop<T>(run: Run, attempt: Attempt<T>, clock: Clock): Promise<T> {
  for (;;) {
    const lease = await run.next();
    const result = await tryOnce(lease, attempt);
    const decision = run.report(lease, outcomeOf(result, clock.now() - lease.since));
    if (decision.kind === 'reroute' || decision.kind === 'replay') continue;
    if (result.ok) return result.value;
    if (decision.kind === 'give-up') decision.error.cause ??= result.error;
    throw decision.kind === 'give-up' ? decision.error : result.error;
  }
}

type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

async function tryOnce<T>(lease: Lease, attempt: Attempt<T>): Promise<Result<T>> {
  try {
    return { ok: true, value: await attempt(lease) };
  } catch (error) {
    return { ok: false, error };
  }
}

function outcomeOf(result: Result<unknown>, elapsedMs: number): Outcome {
  if (result.ok) return { kind: 'response', status: statusOf(result.value) ?? 200, latencyMs: elapsedMs };
  const error: Partial<OutcomeError> & { name?: unknown; code?: unknown } = Object(result.error);
  if (error.outcome !== undefined) return error.outcome;
  const code = typeof error.code === 'string' ? error.code : String(error.name ?? 'Error');
  return { kind: 'failure', phase: 'request', code, elapsedMs, sent: 'maybe', fault: 'unclear' };
}

/** Most libraries' responses carry their status under one of two names. */
function statusOf(value: unknown): number | undefined {
  const { status, statusCode }: { status?: unknown; statusCode?: unknown } = Object(value);
  return [status, statusCode].find((candidate) => typeof candidate === 'number');
}
