import type { EndpointId } from '../endpoint.js';
import type { Verdict } from '../outcome.js';
import type { Pool } from './pool.js';

/** One attempt, as a line of a log. Holds no credential and no path. */
export interface AttemptRecord {
  /** When it was settled, in milliseconds since 1970. */
  readonly at: number;
  readonly leaseId: number;
  /** Lines of one request have the same. */
  readonly requestId: number;
  /** From 1; beside one another in a race or a hedge. */
  readonly attempt: number;
  readonly target: string;
  readonly endpoint: EndpointId;
  readonly session: string | undefined;
  readonly verdict: Verdict;
  /** The answer's status, or undefined when there was none, or none that could be read. */
  readonly status: number | undefined;
  /** The failure's code, or undefined when there was an answer. */
  readonly code: string | undefined;
  readonly elapsedMs: number;
  /** The target is left alone from now on. */
  readonly suspended: boolean;
}

/** Writes every attempt of the pool, by whichever adapter, to `sink`; the answer ends it. */
export function attemptLog(pool: Pool, sink: (record: AttemptRecord) => void): () => void {
  return pool.on('settled', ({ outcome, ...event }) => {
    const { at, leaseId, requestId, attempt, target, endpoint, session, verdict, suspended } = event;
    const response = outcome.kind === 'response';
    return sink({
      at,
      leaseId,
      requestId,
      attempt,
      target,
      endpoint,
      session,
      verdict,
      status: response && outcome.opaque !== true ? outcome.status : undefined,
      code: outcome.kind === 'failure' ? outcome.code : undefined,
      elapsedMs: response ? outcome.latencyMs : outcome.elapsedMs,
      suspended,
    });
  });
}
