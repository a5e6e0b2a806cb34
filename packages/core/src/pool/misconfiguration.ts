import type { Outcome, Verdict } from '../outcome.js';

/** Fewer failures than this prove nothing, however alike. */
const LEAST = 5;
const ENOUGH = 32;

/** This share of all failures alike is proof: every fifth may be a timeout that would have been the same. */
const ALIKE = 0.8;
const MOST_CODES = 32;

/** Notices that every endpoint fails in the same way: then it is the configuration that is wrong, not the proxies. */
export class MisconfigurationWatch {
  #failures = 0;
  #told = false;
  /** How often each code was seen since anything was answered. */
  readonly #codes = new Map<string, number>();
  readonly #endpoints = new Set<string>();

  /** The code that nearly everything fails with, once it is as good as certain; told once, until something is answered. */
  record(endpoint: string, outcome: Outcome, verdict: Verdict, serving: number): string | undefined {
    if (outcome.kind === 'abandoned' || verdict === 'abandoned') return undefined;
    if (outcome.kind === 'response' && verdict !== 'endpoint-fault') {
      // Nearly every attempt is answered where nothing is wrong: then there is nothing to forget.
      if (this.#failures > 0) this.#reset();
      return undefined;
    }
    this.#failures += 1;
    if (this.#endpoints.size < ENOUGH) this.#endpoints.add(endpoint);
    if (outcome.kind !== 'failure' || verdict !== 'endpoint-fault') return undefined;
    const count = (this.#codes.get(outcome.code) ?? 0) + 1;
    if (count > 1 || this.#codes.size < MOST_CODES) this.#codes.set(outcome.code, count);
    // In a large pool a few dozen different endpoints are proof enough.
    const everyone = this.#endpoints.size >= Math.min(serving, ENOUGH);
    if (this.#told || !everyone || count < LEAST || count < ALIKE * this.#failures) return undefined;
    this.#told = true;
    return outcome.code;
  }

  #reset(): void {
    this.#failures = 0;
    this.#told = false;
    this.#codes.clear();
    this.#endpoints.clear();
  }
}
