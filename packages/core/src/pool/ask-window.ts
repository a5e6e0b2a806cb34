/** Most callers of one target that ask at once while others wait behind them. */
const WIDEST = 128;

interface Width {
  width: number;
  asking: number;
}

/**
 * How many of those who wait for a target ask a shared store at the same time: twice as many with each place that is
 * granted, and one alone again after a refusal. A store that has room is not asked in single file, and one that has none
 * is not asked by a crowd.
 */
export class AskWindow {
  readonly #targets = new Map<string, Width>();

  /** False when as many ask already as may. */
  enter(target: string): boolean {
    const known = this.#targets.get(target) ?? { width: 1, asking: 0 };
    if (known.asking >= known.width) return false;
    known.asking += 1;
    this.#targets.set(target, known);
    return true;
  }

  /** One of them has its answer. `last`: nobody waits for the target any more. */
  leave(target: string, granted: boolean, last: boolean): void {
    const known = this.#targets.get(target)!;
    known.asking -= 1;
    known.width = granted ? Math.min(WIDEST, known.width * 2) : 1;
    if (last && known.asking === 0) this.#targets.delete(target);
  }
}
