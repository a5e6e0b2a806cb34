import type { Row } from '../kernel/table.js';
import type { Outcome, Verdict } from '../outcome.js';
import type { Instant } from '../ports/clock.js';
import { raceWidth } from '../strategies/race-width.js';
import type { Lease, LeaseParts } from './lease.js';
import { Pulse } from './pulse.js';
import type { Refusal } from './refusal.js';
import { TrafficCounter } from './traffic-counter.js';

/** Targets counted apart; what goes to others counts in the totals alone. */
const MOST_TARGETS = 10_000;
/** Labels counted apart; the rest counts as `other`. */
const MOST_LABELS = 64;
/** The attempts that a race reckons its success rate from. */
const RACE_WINDOW = 30;

/** What was counted under one label of the caller's. */
export interface LabelStats {
  readonly attempts: number;
  readonly succeeded: number;
}

type At = Pick<LeaseParts, 'target' | 'targetIndex'>;

interface TargetCounter {
  readonly target: string;
  readonly traffic: TrafficCounter;
}

/** What has happened in the pool: per endpoint and target while they are here, and in all for good. */
export class Counters {
  readonly #byRow: (TrafficCounter | undefined)[] = [];
  /** By the kernel's index, which another target may get later: the name tells. */
  readonly #byTarget: (TargetCounter | undefined)[] = [];
  readonly #labels = new Map<string, { attempts: number; succeeded: number }>();
  readonly pulse = new Pulse();
  readonly skipped = { noPermit: 0, rateLimit: 0, cooldown: 0 };
  attempts = 0;
  succeeded = 0;
  dispatched = 0;
  rerouted = 0;
  replayed = 0;
  hedged = 0;
  raced = 0;
  zeroAvailable = 0;
  completed = 0;
  failed = 0;
  bytes = 0;

  /** `at` is the lease's own target, or the one that a tenancy was observed on. */
  record(lease: Lease, at: At, outcome: Outcome, verdict: Verdict, now: Instant): void {
    const { endpoint, parts } = lease;
    const good = verdict === 'success' || verdict === 'final';
    this.attempts += 1;
    if (good) this.succeeded += 1;
    if (verdict !== 'abandoned') {
      this.pulse.record(now, good, outcome.kind === 'response' ? outcome.latencyMs : undefined);
    }
    this.ofRow(parts.row).record(outcome, verdict, at.target);
    this.ofTarget(at.targetIndex, at.target)?.record(outcome, verdict, endpoint.id);
    if (parts.label !== undefined) this.#countLabel(parts.label, good);
    if (parts.single) this.ended(outcome.kind === 'response');
  }

  /** A request has come to its end, with an answer or without. */
  ended(answered: boolean): void {
    if (answered) this.completed += 1;
    else this.failed += 1;
  }

  /** A request got no endpoint at once. */
  refused({ why, nobody }: Refusal): void {
    if (why !== undefined) this.skipped[why] += 1;
    if (nobody === true) this.zeroAvailable += 1;
  }

  /** How many paths make one good answer of this target nearly sure. */
  pathsFor(index: number, target: string, most: number): number {
    const known = this.#byTarget[index];
    const { attempts, succeeded } = known?.target === target ? known.traffic.recent(RACE_WINDOW) : NOTHING;
    // One attempt of even odds stands before the first, as the kernel presumes of what it does not know.
    return raceWidth((succeeded + 0.5) / (attempts + 1), attempts, most);
  }

  /** What was counted there, if anything: most of a long list is never used. */
  peekRow(row: Row): TrafficCounter | undefined {
    return this.#byRow[row];
  }

  ofRow(row: Row): TrafficCounter {
    return (this.#byRow[row] ??= new TrafficCounter());
  }

  /** Undefined beyond the bound. */
  ofTarget(index: number, target: string): TrafficCounter | undefined {
    const known = this.#byTarget[index];
    if (known?.target === target) return known.traffic;
    if (index >= MOST_TARGETS) return undefined;
    const traffic = new TrafficCounter();
    this.#byTarget[index] = { target, traffic };
    return traffic;
  }

  /** The targets counted apart. */
  *targets(): IterableIterator<{ readonly index: number; readonly target: string; readonly traffic: TrafficCounter }> {
    for (const [index, known] of this.#byTarget.entries()) if (known !== undefined) yield { index, ...known };
  }

  /** A copy: what is read must not move under the reader. */
  get labels(): ReadonlyMap<string, LabelStats> {
    return new Map([...this.#labels].map(([label, counts]) => [label, { ...counts }]));
  }

  forget(row: Row): void {
    this.#byRow[row] = undefined;
  }

  #countLabel(label: string, good: boolean): void {
    const shown = this.#labels.has(label) || this.#labels.size < MOST_LABELS - 1 ? label : 'other';
    const counts = this.#labels.get(shown) ?? { attempts: 0, succeeded: 0 };
    counts.attempts += 1;
    if (good) counts.succeeded += 1;
    this.#labels.set(shown, counts);
  }
}

const NOTHING = Object.freeze({ attempts: 0, succeeded: 0 });
