import type { Session } from '@crawlee/core';
import type { PageDesk } from './page-desk.js';

/** Crawlee's own name for it, which it does not export. */
const RETIRED = 'sessionRetired';

/** Sessions that are remembered at once. One that grew too old is mentioned by no event. */
const MOST = 10_000;

/** As much of a session pool as is listened to. */
interface SessionEvents {
  on(event: string, listener: (session: Session) => void): unknown;
}

/** Ties sessions of Crawlee's to those of the pool: a retired one gives its exit up, and one that lost its exit is retired. */
export class SessionLink {
  readonly #desk: PageDesk;
  readonly #sessions = new Map<string, Session>();
  readonly #heard = new WeakSet<object>();
  #off: (() => void) | undefined;

  constructor(desk: PageDesk) {
    this.#desk = desk;
  }

  /** Called with each session that a page was answered to: from then on it belongs to its exit. */
  join(session: Session, crawler: object): void {
    const { sessionPool } = crawler as { readonly sessionPool?: SessionEvents & object };
    if (sessionPool !== undefined && !this.#heard.has(sessionPool)) {
      this.#heard.add(sessionPool);
      sessionPool.on(RETIRED, (retired) => this.#retired(retired));
    }
    if (!session.isUsable()) return;
    this.#off ??= this.#desk.pool.on('unpinned', ({ session: lost }) => this.#lost(lost));
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > MOST && oldest !== undefined) this.#sessions.delete(oldest);
  }

  /** No crawl is under way. */
  rest(): void {
    this.#off?.();
    this.#off = undefined;
    this.#sessions.clear();
  }

  /** Its exit is gone, and nothing may take its place. */
  end(session: Session): void {
    if (session.isUsable()) session.retire();
    this.#retired(session);
  }

  #retired({ id }: Session): void {
    this.#sessions.delete(id);
    this.#desk.endSession(id);
  }

  #lost(id: string | undefined): void {
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (session !== undefined) this.end(session);
  }
}
