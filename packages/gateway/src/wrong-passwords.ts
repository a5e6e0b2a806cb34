/** Wrong answers allowed within a minute for one name from one peer, before its answers are not looked at any more. */
const MOST_WRONG = 10;
const WINDOW_MS = 60_000;
/** Names and peers remembered; the one remembered longest goes first. */
const MOST_KNOWN = 10_000;

interface Count {
  wrong: number;
  readonly since: number;
}

/** Who has given wrong passwords of late: guessing is slow work here. */
export class WrongPasswords {
  readonly #counts = new Map<string, Count>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Seconds until the peer's answers for this name are looked at again; 0 is now. */
  waitS(peer: string, name: string): number {
    const count = this.#current(peer, name);
    if (count === undefined || count.wrong < MOST_WRONG) return 0;
    return Math.max(1, Math.ceil((count.since + WINDOW_MS - this.#now()) / 1000));
  }

  note(peer: string, name: string): void {
    const count = this.#current(peer, name);
    if (count !== undefined) {
      count.wrong += 1;
      return;
    }
    const [oldest] = this.#counts.keys();
    if (this.#counts.size >= MOST_KNOWN && oldest !== undefined) this.#counts.delete(oldest);
    this.#counts.set(keyOf(peer, name), { wrong: 1, since: this.#now() });
  }

  #current(peer: string, name: string): Count | undefined {
    const key = keyOf(peer, name);
    const count = this.#counts.get(key);
    if (count === undefined || this.#now() - count.since < WINDOW_MS) return count;
    this.#counts.delete(key);
    return undefined;
  }
}

function keyOf(peer: string, name: string): string {
  return `${peer}\u0000${name}`;
}
