import type { EndpointId } from '../endpoint.js';

/** Sessions remembered; beyond these the one that was used longest ago is forgotten. */
const MOST_SESSIONS = 10_000;
/** Exits remembered of each, newest last. */
const MOST_EXITS = 16;

/** The exits that sessions have had lately which change theirs: the next is to be another. */
export class RecentExits {
  readonly #bySession = new Map<string, readonly EndpointId[]>();

  /** At most so many, the newest of them. */
  of(session: string, most: number): readonly EndpointId[] {
    const exits = this.#bySession.get(session) ?? [];
    return exits.slice(Math.max(0, exits.length - most));
  }

  note(session: string, exit: EndpointId): void {
    const others = (this.#bySession.get(session) ?? []).filter((other) => other !== exit);
    this.#bySession.delete(session);
    const [oldest] = this.#bySession.keys();
    if (this.#bySession.size >= MOST_SESSIONS && oldest !== undefined) this.#bySession.delete(oldest);
    this.#bySession.set(session, [...others.slice(1 - MOST_EXITS), exit]);
  }

  forget(session: string): void {
    this.#bySession.delete(session);
  }
}
