/** What replays and hedges may be spent from, so that a bad hour does not multiply the traffic. */
export class Budget {
  readonly #reserve: number;
  #tokens: number;

  /** @param reserve what a fresh pool may spend before its first success, and the most that is saved up. */
  constructor(reserve: number) {
    this.#reserve = reserve;
    this.#tokens = reserve;
  }

  earn(amount: number): void {
    this.#tokens = Math.min(this.#reserve, this.#tokens + amount);
  }

  /** Whether there is one to be spent. */
  has(): boolean {
    return this.#tokens >= 1;
  }

  /** Runs that were promised one in the same moment may overdraw: those after them wait until that is earned. */
  spend(): void {
    this.#tokens -= 1;
  }
}
