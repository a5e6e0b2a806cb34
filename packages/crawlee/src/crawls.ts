import type { PageContext } from './page-context.js';

/** As much of a crawler as tells of ends: its own, and that of each page's handlers. */
interface Ending {
  teardown?(): Promise<void>;
  _cleanupContext?(context: PageContext): Promise<void>;
}

/** What follows on ends. */
export interface EndListeners {
  /** No crawler is under way any more. */
  readonly onLast: () => Promise<void>;
  /** All handlers of a page are done. */
  readonly onHandled: (context: PageContext) => void;
}

/** The crawlers that are under way with the same settings. A crawler may run many times. */
export class Crawls {
  readonly #running = new Set<object>();
  readonly #watched = new WeakSet<object>();
  readonly #listeners: EndListeners;

  constructor(listeners: EndListeners) {
    this.#listeners = listeners;
  }

  /** Called with the crawler of each page; false where it tells of no page's end. */
  join(crawler: object): boolean {
    const ending = crawler as Ending;
    this.#running.add(crawler);
    if (!this.#watched.has(crawler)) this.#watch(ending);
    return ending._cleanupContext !== undefined;
  }

  /** Crawlee tells of no end by an event: its own last steps are listened to. */
  #watch(crawler: Ending): void {
    this.#watched.add(crawler);
    const { teardown, _cleanupContext: cleanUp } = crawler;
    if (teardown !== undefined) {
      crawler.teardown = async () => {
        try {
          await teardown.call(crawler);
        } finally {
          await this.#leave(crawler);
        }
      };
    }
    if (cleanUp !== undefined) {
      crawler._cleanupContext = async (context) => {
        try {
          await cleanUp.call(crawler, context);
        } finally {
          this.#listeners.onHandled(context);
        }
      };
    }
  }

  async #leave(crawler: object): Promise<void> {
    if (this.#running.delete(crawler) && this.#running.size === 0) await this.#listeners.onLast();
  }
}
