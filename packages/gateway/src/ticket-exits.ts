import type { Pool } from '@fairlead/core';
import { Holding, type HoldingRequest, type HoldingTerms, type MoveListener } from './holding.js';

interface ExitParts {
  readonly pool: Pool;
  readonly request: HoldingRequest;
  readonly terms: HoldingTerms;
  readonly perHost: boolean;
  readonly onMove: MoveListener;
}

/** Hosts of one ticket with an exit of their own at once; one that is idle gives way. */
const MOST_HOSTS = 500;

/** What a ticket holds: one exit for everything, or one for each host. */
export class TicketExits {
  readonly #parts: ExitParts;
  readonly #byHost = new Map<string, Holding>();
  /** The one that was used last speaks for the ticket. */
  #latest: Holding;
  #released = false;

  constructor(parts: ExitParts) {
    this.#parts = parts;
    this.#latest = this.#make(parts.request);
    if (!parts.perHost) this.#byHost.set('', this.#latest);
  }

  get latest(): Holding {
    return this.#latest;
  }

  get released(): boolean {
    return this.#released;
  }

  of({ hostname }: URL): Holding {
    const host = this.#parts.perHost ? hostname : '';
    const holding = this.#byHost.get(host) ?? this.#makeFor(host);
    this.#byHost.delete(host);
    this.#byHost.set(host, holding);
    this.#latest = holding;
    return holding;
  }

  /** The same where there is one already. */
  find({ hostname }: URL): Holding | undefined {
    return this.#byHost.get(this.#parts.perHost ? hostname : '');
  }

  rotate(): void {
    for (const holding of this.#byHost.values()) holding.rotate();
  }

  giveBack(closing: boolean): void {
    for (const holding of this.#byHost.values()) holding.giveBack(closing);
  }

  hold(): void {
    for (const holding of this.#byHost.values()) holding.hold();
  }

  release(): void {
    this.#released = true;
    for (const holding of this.#byHost.values()) holding.release();
  }

  #makeFor(host: string): Holding {
    if (this.#byHost.size >= MOST_HOSTS) this.#dropIdle();
    const { request } = this.#parts;
    const session = request.session === undefined ? {} : { session: `${request.session}@${host}` };
    return this.#make({ ...request, ...session });
  }

  #make(request: HoldingRequest): Holding {
    const { pool, terms, onMove } = this.#parts;
    const holding = new Holding(pool, request, terms, onMove);
    // A connection that was let in just before the end takes nothing any more.
    if (this.#released) holding.release();
    return holding;
  }

  #dropIdle(): void {
    for (const [host, holding] of this.#byHost) {
      if (!holding.isIdle) continue;
      this.#byHost.delete(host);
      holding.release();
      return;
    }
  }
}
