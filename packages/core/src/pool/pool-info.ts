import type { EndpointId } from '../endpoint.js';
import type { Lease } from './lease.js';
import type { Run } from './run.js';

/** Who carried an answer, and what it took. Holds no credential. */
export interface PoolInfo {
  /** The exit of the last attempt; undefined when there was none. */
  readonly endpoint: EndpointId | undefined;
  /** Every exit that was tried, in order. */
  readonly tried: readonly EndpointId[];
  readonly session: string | undefined;
  /** Attempts of which the target may have seen something. */
  readonly attempts: number;
  /** Attempts that ended before anything was sent. */
  readonly reroutes: number;
  /** From the grant of the last lease to what it was settled with; undefined while it is open. */
  readonly latencyMs: number | undefined;
  /** The session goes on through another exit than before. */
  readonly exitChanged: boolean;
}

/** Beside the response and not on it: it belongs to the library that made it. */
const infos = new WeakMap<object, PoolInfo>();

/** What the pool did for a response or an error of a client that goes through it. */
export function poolInfo(responseOrError: unknown): PoolInfo | undefined {
  let subject = responseOrError;
  for (let depth = 0; depth < MOST_WRAPPED && typeof subject === 'object' && subject !== null; depth += 1) {
    const info = infos.get(subject);
    if (info !== undefined) return info;
    const { response, cause }: { response?: unknown; cause?: unknown } = subject;
    subject = response ?? cause;
  }
  return undefined;
}

/** Libraries wrap what they were handed: an answer that cannot be parsed, an error in an error. */
const MOST_WRAPPED = 4;

/** For adapters: ties what the pool did to what the caller is handed. */
export function notePoolInfo(subject: unknown, run: Run, lease: Lease | undefined): void {
  if (typeof subject === 'object' && subject !== null) infos.set(subject, new RunInfo(run, lease));
}

/** Read when somebody asks: a streamed answer is handed over before its lease is settled. */
class RunInfo implements PoolInfo {
  readonly endpoint: EndpointId | undefined;
  readonly session: string | undefined;
  readonly exitChanged: boolean;
  readonly #run: Run;
  readonly #lease: Lease | undefined;

  constructor(run: Run, lease: Lease | undefined) {
    this.endpoint = lease?.endpoint.id;
    this.session = run.request.session;
    this.exitChanged = lease?.exitChanged ?? false;
    this.#run = run;
    this.#lease = lease;
  }

  get tried(): readonly EndpointId[] {
    return [...this.#run.tried];
  }

  get attempts(): number {
    return this.#run.attempts;
  }

  get reroutes(): number {
    return this.#run.reroutes;
  }

  get latencyMs(): number | undefined {
    const outcome = this.#lease?.outcome;
    return outcome?.kind === 'response' ? outcome.latencyMs : outcome?.elapsedMs;
  }
}
