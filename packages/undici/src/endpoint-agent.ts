import type { Agent, Dispatcher } from 'undici';
import type { Attempt } from './attempt.js';

/** Turns of the event loop in which a connection fell free, by number. */
let turn = 0;
let isCounting = false;

/** undici's connections through one endpoint, or of one session on it. */
export class EndpointAgent {
  readonly #agent: Agent;
  readonly #once: boolean;
  #freedIn = -1;
  /** Requests that wait for the turn to be over: the agent knows nothing of them. */
  #waiting = 0;
  #isLeaving = false;

  /** Used once, it closes with the request: nobody else may use its connections. */
  constructor(agent: Agent, use?: 'once') {
    this.#agent = agent;
    this.#once = use === 'once';
  }

  dispatch(options: Dispatcher.DispatchOptions, attempt: Attempt): void {
    // undici takes a connection up again when the turn is over, and would open another until then.
    if (this.#freedIn !== turn) return this.#dispatch(options, attempt);
    this.#waiting += 1;
    setImmediate(() => {
      this.#waiting -= 1;
      if (!attempt.isOver) this.#dispatch(options, attempt);
      if (this.#isLeaving) this.letGo();
    });
  }

  /** An answer has come to its end. */
  freed(): void {
    this.#freedIn = turn;
    if (isCounting) return;
    isCounting = true;
    setImmediate(nextTurn);
  }

  /** Running requests finish; nobody waits for that. */
  letGo(): void {
    this.#isLeaving = this.#waiting > 0;
    if (!this.#isLeaving) this.#agent.close().catch(() => undefined);
  }

  #dispatch(options: Dispatcher.DispatchOptions, attempt: Attempt): void {
    try {
      this.#agent.dispatch(options, attempt);
      // A graceful end: what was dispatched is still carried.
      if (this.#once) this.letGo();
    } catch (error) {
      // Options that undici or a connector will not have: nobody else would hear of it.
      attempt.refuse(error as Error);
    }
  }
}

function nextTurn(): void {
  isCounting = false;
  turn += 1;
}
