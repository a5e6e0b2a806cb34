import type { EndpointId } from '../endpoint.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Strategy } from '../kernel/strategy.js';
import { createCandidates, createQuery, type Candidates, type RankQuery } from '../kernel/query.js';
import type { Row } from '../kernel/table.js';
import type { AdmitRequest } from '../ledger/ledger.js';
import type { Instant } from '../ports/clock.js';
import type { Random } from '../ports/random.js';
import type { Roster } from './roster.js';
import type { Run } from './run.js';

/** Candidates asked for: the second serves when the ledger refuses the first. */
const WANTED = 2;

/** What the kernel and the ledger are asked for a run, in objects that are made once: the hot path allocates nothing. */
export class Question {
  readonly query: RankQuery;
  readonly candidates: Candidates = createCandidates();
  readonly admission: AdmitRequest;
  readonly #kernel: Kernel;
  readonly #roster: Roster;
  readonly #demand: () => number;
  readonly #strategies: Readonly<Record<string, Strategy>>;

  constructor(
    kernel: Kernel,
    roster: Roster,
    { random, strategies }: { readonly random: Random; readonly strategies: Readonly<Record<string, Strategy>> },
    demand: () => number,
  ) {
    this.#strategies = strategies;
    this.#kernel = kernel;
    this.#roster = roster;
    this.#demand = demand;
    this.query = createQuery(random);
    this.query.want = WANTED;
    this.admission = emptyAdmission(this.candidates);
  }

  /** Puts the run's question into words for both. */
  ask(run: Run, now: Instant, also?: (row: Row) => boolean): void {
    const { query, admission } = this;
    query.target = this.#kernel.internTarget(run.target);
    // Each time: another rule of the same host, or an update, may ask for another pace, or for none.
    this.#kernel.setConfiguredPace(query.target, run.policy.minIntervalMs);
    query.first = run.tried.size === 0;
    query.failures = run.failures;
    query.triedCount = this.#writeBarred(run);
    query.tags = run.matcher.tags;
    query.wary = run.policy.verdicts.throttled.target === 'suspend';
    const { strategy } = run.request;
    query.strategy = strategy === undefined ? undefined : this.#strategies[strategy];
    query.allowed = both(this.#roster.allowedBy(run.matcher), also);
    query.demand = this.#demand();
    query.now = now;
    admission.target = query.target;
    admission.targetKey = run.target;
    admission.emissionMs = this.#kernel.emissionMs(query.target);
    admission.burstMs = this.#kernel.burstMs(query.target);
    admission.session = undefined;
    admission.now = now;
  }

  /** Rows the run has tried or excludes, looked up anew: an endpoint may have left and come back in another row. */
  #writeBarred(run: Run): number {
    const { exclude } = run.request;
    if (run.tried.size === 0 && exclude === undefined && run.avoid.length === 0) return (this.query.unwanted = 0);
    let count = 0;
    const write = (id: EndpointId): void => {
      const row = this.#roster.rowOf(id);
      if (row === undefined) return;
      if (count === this.query.tried.length) this.query.tried = doubled(this.query.tried);
      this.query.tried[count] = row;
      count += 1;
    };
    for (const id of run.tried) write(id);
    const own = count;
    for (const id of exclude ?? []) write(id);
    for (const id of run.avoid) write(id);
    this.query.unwanted = count - own;
    return count;
  }

  /** Fills the candidates: the forced endpoint alone, or the best. */
  rank(run: Run): void {
    const { endpoint: forced } = run.request;
    const row = forced === undefined ? -1 : this.#roster.rowOf(forced);
    if (forced === undefined) this.#kernel.rank(this.query, this.candidates);
    else if (row === undefined) this.candidates.count = 0;
    else this.#kernel.rankOne(row, this.query, this.candidates);
    this.admission.count = this.candidates.count;
  }

  /** Ranks one row alone: a session's. */
  rankOne(row: Row): void {
    this.#kernel.rankOne(row, this.query, this.candidates);
    this.admission.count = this.candidates.count;
  }
}

type Allows = (row: Row) => boolean;

function both(one: Allows | undefined, other: Allows | undefined): Allows | undefined {
  return one === undefined || other === undefined ? (one ?? other) : (row) => one(row) && other(row);
}

function emptyAdmission({ rows, limits }: { rows: Int32Array; limits: Int32Array }): AdmitRequest {
  return {
    rows,
    limits,
    count: 0,
    target: 0,
    targetKey: '',
    emissionMs: 0,
    burstMs: 0,
    session: undefined,
    pin: { ttlMs: 0, maxMs: 0, maxUses: 0 },
    now: 0,
  };
}

function doubled(rows: Int32Array): Int32Array {
  const larger = new Int32Array(rows.length * 2);
  larger.set(rows);
  return larger;
}
