/** As much of a crawler as tells of its end. */
interface Ending {
  teardown?(): Promise<void>;
}

/** The crawlers that are under way with the same settings. A crawler may run many times. */
export class Crawls {
  readonly #running = new Set<object>();
  readonly #watched = new WeakSet<object>();
  readonly #onLast: () => Promise<void>;

  /** `onLast` is called when none is under way any more. */
  constructor(onLast: () => Promise<void>) {
    this.#onLast = onLast;
  }

  /** Called with the crawler of each page. Crawlee tells of its end by no event: its own last step is listened to. */
  join(crawler: object): void {
    const ending = crawler as Ending;
    const own = ending.teardown;
    if (own === undefined) return;
    this.#running.add(crawler);
    if (this.#watched.has(crawler)) return;
    this.#watched.add(crawler);
    ending.teardown = async () => {
      try {
        await own.call(crawler);
      } finally {
        await this.#leave(crawler);
      }
    };
  }

  async #leave(crawler: object): Promise<void> {
    if (this.#running.delete(crawler) && this.#running.size === 0) await this.#onLast();
  }
}
