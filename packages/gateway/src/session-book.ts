import type { Pool } from '@fairlead/core';
import { BorrowedHold, type Hold } from './hold.js';
import { Holding } from './holding.js';
import type { Wishes } from './user-name.js';

/** What outside clients hold: those of one user and session share a tenancy while any of them is connected. */
export class SessionBook {
  readonly #pool: Pool;
  readonly #terms: { readonly idleMs: number };
  readonly #shared = new Map<string, { readonly holding: Holding; users: number }>();

  constructor(pool: Pool, terms: { readonly idleMs: number }) {
    this.#pool = pool;
    this.#terms = terms;
  }

  borrow(user: string | undefined, { session, tags }: Wishes): Hold {
    if (session === undefined) {
      const asked = tags.length === 0 ? NOTHING : { tags };
      return new BorrowedHold(new Holding(this.#pool, asked, this.#terms), release);
    }
    const key = `${sessionOf(user, session)}\u0000${[...tags].sort().join('\u0000')}`;
    const request = { tags, session: sessionOf(user, session) };
    const shared = this.#shared.get(key) ?? { holding: new Holding(this.#pool, request, this.#terms), users: 0 };
    this.#shared.set(key, shared);
    shared.users += 1;
    return new BorrowedHold(shared.holding, () => {
      shared.users -= 1;
      if (shared.users > 0) return;
      this.#shared.delete(key);
      shared.holding.release();
    });
  }

  releaseAll(): void {
    for (const { holding } of this.#shared.values()) holding.release();
    this.#shared.clear();
  }
}

const NOTHING = Object.freeze({});

function release(holding: Holding): void {
  holding.release();
}

/** One user's session is never another's, however they call it. */
export function sessionOf(user: string | undefined, session: string): string {
  // Written so that neither can hold what stands between them.
  const name = encodeURIComponent(session);
  return user === undefined ? name : `${encodeURIComponent(user)}/${name}`;
}
