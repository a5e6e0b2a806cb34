import type { Request } from '@crawlee/core';
import type { EndpointId } from '@fairlead/core';

/** What the attempts at one page have taught so far. */
export interface PageMemory {
  /** Exits through which it failed. */
  readonly failed: Set<EndpointId>;
  /** The dearest tier that was refused: the next attempt starts above it. -1 is none. */
  refusedTier: number;
  /** Attempts that were repeated at no cost to the page. */
  replays: number;
}

/** Pages that are remembered at once; the oldest of more is treated as new. */
const MOST = 10_000;

/** By page and not by `Request`: Crawlee makes a new one for each attempt. Only pages that failed are here. */
export class PageMemories {
  readonly #byKey = new Map<string, PageMemory>();

  get(request: Request | undefined): PageMemory | undefined {
    return request === undefined ? undefined : this.#byKey.get(request.uniqueKey);
  }

  of(request: Request): PageMemory {
    const known = this.get(request);
    if (known !== undefined) return known;
    const [oldest] = this.#byKey.keys();
    if (this.#byKey.size >= MOST && oldest !== undefined) this.#byKey.delete(oldest);
    const memory = { failed: new Set<EndpointId>(), refusedTier: -1, replays: 0 };
    this.#byKey.set(request.uniqueKey, memory);
    return memory;
  }

  forget(request: Request): void {
    this.#byKey.delete(request.uniqueKey);
  }

  clear(): void {
    this.#byKey.clear();
  }
}
