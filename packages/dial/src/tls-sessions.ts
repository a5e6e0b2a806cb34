/** TLS sessions to resume, the oldest dropped first. Never shared between endpoints: a ticket names its holder. */
export class TlsSessions {
  readonly #sessions = new Map<string, Buffer>();
  readonly #max: number;

  constructor(max = 100) {
    this.#max = max;
  }

  get(key: string): Buffer | undefined {
    return this.#sessions.get(key);
  }

  set(key: string, session: Buffer): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > this.#max && oldest !== undefined) this.#sessions.delete(oldest);
  }

  delete(key: string): void {
    this.#sessions.delete(key);
  }
}
