import type { Outcome, Verdict } from '../outcome.js';

/** Fewer failures than this prove nothing, however alike. */
const LEAST = 5;
const ENOUGH = 32;

/** Notices that every endpoint fails in the same way: then it is the configuration that is wrong, not the proxies. */
export class MisconfigurationWatch {
  #code: string | undefined;
  #inARow = 0;
  #told = false;
  readonly #endpoints = new Set<string>();

  /** The code that everything fails with, once it is as good as certain; told once, until something succeeds. */
  record(endpoint: string, outcome: Outcome, verdict: Verdict, poolSize: number): string | undefined {
    if (verdict === 'abandoned') return undefined;
    const code = outcome.kind === 'failure' && verdict === 'endpoint-fault' ? outcome.code : undefined;
    // Nearly every attempt succeeds where nothing is wrong: then there is nothing to forget.
    if (code === undefined && this.#inARow === 0) return undefined;
    if (code === undefined || code !== this.#code) this.#reset(code);
    if (code === undefined) return undefined;
    this.#inARow += 1;
    if (this.#endpoints.size < ENOUGH) this.#endpoints.add(endpoint);
    // In a large pool a few dozen different endpoints are proof enough.
    const everyone = this.#endpoints.size >= Math.min(poolSize, ENOUGH);
    if (this.#told || !everyone || this.#inARow < LEAST) return undefined;
    this.#told = true;
    return code;
  }

  #reset(code: string | undefined): void {
    this.#code = code;
    this.#inARow = 0;
    this.#told = false;
    this.#endpoints.clear();
  }
}
