import { notePoolInfo, type Lease, type LeaseRequest, type Pool, type Run } from '@fairlead/core';
import { StandInController } from '@fairlead/dial';
import type { Dispatcher } from 'undici';
import { Attempt, type Ended } from './attempt.js';
import type { EndpointAgents } from './endpoint-agents.js';
import type { Memory } from './memory.js';
import type { Pooled, PoolRequest } from './options.js';
import { IN_CONTEXT } from './pool-info.js';
import { RequestBody } from './request-body.js';

export interface Carriers {
  readonly pool: Pool;
  readonly agents: EndpointAgents;
  readonly memory: Memory;
}

/** Where the run and the lease behind an answer are told to, for those who can tie them to it. */
export const NOTE: unique symbol = Symbol('fairlead.note');

export type CarriedOptions = Dispatcher.DispatchOptions &
  Pooled & { readonly [NOTE]?: (run: Run, lease: Lease | undefined) => void };

/** One dispatch: attempts until the pool decides that it is over. Translates, never judges. */
export class CarriedDispatch {
  readonly #options: CarriedOptions;
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #carriers: Carriers;
  readonly #body: RequestBody;
  readonly #abort = new AbortController();
  readonly #outer = new StandInController((reason) => this.#aborted(reason));
  /** undici's `request` hands it back with its answer. */
  readonly #context = { [IN_CONTEXT]: {} };
  #attempt: Attempt | undefined;

  constructor(options: CarriedOptions, handler: Dispatcher.DispatchHandler, carriers: Carriers) {
    this.#options = options;
    this.#handler = handler;
    this.#carriers = carriers;
    this.#body = new RequestBody(options.body);
  }

  /** At once, and not when there is a connection: so the caller can abort whatever it is that takes long. */
  start(): void {
    this.#handler.onRequestStart?.(this.#outer, this.#context);
    this.#carry().catch((error: Error) => this.#handler.onResponseError?.(this.#outer, error));
  }

  async #carry(): Promise<void> {
    if (this.#outer.reason !== null) throw this.#outer.reason;
    const { pool, memory } = this.#carriers;
    const run = pool.begin(this.#leaseRequest());
    for (;;) {
      const lease = await this.#nextLease(run);
      const ended = await this.#once(run, lease);
      this.#note(run, lease);
      if (ended.kind === 'delivered') return memory.ended(this.#handler, run, lease);
      if (ended.kind === 'again') continue;
      const { outcome, error } = ended;
      if (this.#outer.aborted) {
        lease.settle(outcome);
        throw error;
      }
      const decision = run.report(lease, outcome);
      if ((decision.kind === 'reroute' || decision.kind === 'replay') && !this.#body.isSpent) continue;
      memory.ended(this.#handler, run);
      throw decision.kind === 'give-up' ? Object.assign(decision.error, { cause: error }) : error;
    }
  }

  #once(run: Run, lease: Lease): Promise<Ended> {
    const { agent, release } = this.#carriers.agents.lease(lease.endpoint, run.request.session);
    return new Promise((end) => {
      const mayResend = (): boolean => !this.#body.isSpent;
      const attempt = new Attempt({ run, lease, handler: this.#handler, outer: this.#outer, mayResend, end });
      this.#attempt = attempt;
      this.#note(run, lease);
      const body = this.#body.toSend() as Dispatcher.DispatchOptions['body'];
      agent.dispatch(body == null ? this.#options : { ...this.#options, body }, attempt);
      // A graceful end: what was dispatched is still carried.
      release();
    });
  }

  async #nextLease(run: Run): Promise<Lease> {
    this.#attempt = undefined;
    try {
      return await run.next();
    } catch (error) {
      this.#note(run, undefined);
      throw this.#outer.reason ?? error;
    }
  }

  #aborted(reason: Error): void {
    if (this.#attempt === undefined) this.#abort.abort(reason);
    else this.#attempt.abort(reason);
  }

  #note(run: Run, lease: Lease | undefined): void {
    notePoolInfo(this.#context[IN_CONTEXT], run, lease);
    this.#options[NOTE]?.(run, lease);
  }

  #leaseRequest(): LeaseRequest {
    const { origin = '', method, pool } = this.#options;
    const own: PoolRequest = pool === false || pool === undefined ? {} : pool;
    return {
      ...own,
      ...this.#carriers.memory.of(this.#handler),
      // A body that can be read once is sent once, whatever the caller allows.
      ...(this.#body.isOnce ? { idempotent: false } : {}),
      method,
      target: origin,
      signal: this.#abort.signal,
    };
  }
}
