import type { Endpoint } from '../endpoint.js';

/** What a session has to know of its exit when that is gone. */
export type Exit = Pick<Endpoint, 'id' | 'exit' | 'country'>;

/** An exit, and where it stands to the session. */
export interface RememberedExit extends Exit {
  readonly state: 'bound' | 'lost';
  /** Which arrival of the endpoint it was. */
  readonly arrival: number;
}

/** Sessions remembered; beyond these the one that was bound or lost longest ago is forgotten. */
const MOST = 100_000;

/** The exits of sessions that may not go on through any other, and those that sessions have lost until they take the next. */
export class ExitMemory {
  readonly #bySession = new Map<string, RememberedExit>();

  of(session: string): RememberedExit | undefined {
    return this.#bySession.get(session);
  }

  remember(session: string, { id, exit, country }: Exit, state: 'bound' | 'lost', arrival: number): void {
    this.#bySession.delete(session);
    const [oldest] = this.#bySession.keys();
    if (this.#bySession.size >= MOST && oldest !== undefined) this.#bySession.delete(oldest);
    this.#bySession.set(session, { id, exit, country, state, arrival });
  }

  forget(session: string): boolean {
    return this.#bySession.delete(session);
  }
}
