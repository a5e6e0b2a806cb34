/** Keys counted apart; beyond these the one that moved longest ago is forgotten. */
const MOST_KEYS = 100_000;

/** What targets and sessions have moved, for the budgets that a policy gives them. */
export class ByteBudgets {
  readonly #targets = new Map<string, number>();
  readonly #sessions = new Map<string, number>();

  /** Counts for the target; true when its budget ends with this. */
  ofTarget(target: string, bytes: number, budget: number): boolean {
    return count(this.#targets, target, bytes, budget);
  }

  /** Counts for the session; true when its budget ends with this. */
  ofSession(session: string, bytes: number, budget: number): boolean {
    return count(this.#sessions, session, bytes, budget);
  }

  isSpent(session: string, budget: number): boolean {
    return (this.#sessions.get(session) ?? 0) >= budget;
  }

  /** The target begins anew. False when it had nothing counted. */
  forgive(target: string): boolean {
    return this.#targets.delete(target);
  }

  forgiveSession(session: string): boolean {
    return this.#sessions.delete(session);
  }
}

function count(sums: Map<string, number>, key: string, bytes: number, budget: number): boolean {
  // Without a budget nothing is kept: the counters of `stats()` do that.
  if (budget === Number.POSITIVE_INFINITY) return false;
  const before = sums.get(key) ?? 0;
  sums.delete(key);
  const [oldest] = sums.keys();
  if (sums.size >= MOST_KEYS && oldest !== undefined) sums.delete(oldest);
  sums.set(key, before + bytes);
  return before < budget && before + bytes >= budget;
}
