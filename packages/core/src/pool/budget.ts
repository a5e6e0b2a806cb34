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

  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
