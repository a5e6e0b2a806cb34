import type { Verdict } from '../outcome.js';
import type { Action, SuspensionPolicy } from '../policy/presets.js';
import { createRestraint, deniedFor, forgiven, throttledFor, type Restraint } from '../policy/restraint.js';
import type { Instant } from '../ports/clock.js';

/** Targets whose refusals are remembered; beyond these the longest known is forgotten. */
const MOST_TARGETS = 10_000;

/** What each target refused of late, and what follows from the next refusal. */
export class Restraints {
  readonly #byTarget = new Map<string, Restraint>();

  /** How long the target is to be left alone after this verdict; 0 is not at all. */
  after(
    target: string,
    verdict: Verdict,
    action: Action,
    when: { readonly now: Instant; readonly askedMs: number | undefined; readonly paused: boolean },
    policy: SuspensionPolicy,
  ): number {
    // Answers to what was sent before the target was paused say nothing of the time since, unless it names one itself.
    if (when.paused && action.target === 'suspend') return when.askedMs ?? 0;
    // Single denials pause nothing, whatever time they name: those that come late are not even counted.
    if (when.paused && action.target === 'count') return 0;
    if (action.target === 'suspend') return throttledFor(this.#of(target), when.askedMs, policy);
    if (action.target === 'count') return deniedFor(this.#of(target), when.now, when.askedMs, policy);
    if (verdict === 'success' || verdict === 'final') this.#forgive(target);
    return 0;
  }

  #forgive(target: string): void {
    const known = this.#byTarget.get(target);
    if (known !== undefined) forgiven(known);
  }

  #of(target: string): Restraint {
    const known = this.#byTarget.get(target);
    if (known !== undefined) return known;
    const [oldest] = this.#byTarget.keys();
    if (this.#byTarget.size >= MOST_TARGETS && oldest !== undefined) this.#byTarget.delete(oldest);
    const fresh = createRestraint();
    this.#byTarget.set(target, fresh);
    return fresh;
  }
}
