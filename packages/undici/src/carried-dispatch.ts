import { notePoolInfo, type Lease, type LeaseRequest, type Pool, type Run } from '@fairlead/core';
import {
  CallerSignal,
  headersOf,
  leaseRequestOf,
  StandInController,
  withHeaders,
  type AttemptHeaders,
} from '@fairlead/dial';
import type { Dispatcher } from 'undici';
import { Attempt, type AttemptOwner, type Ended } from './attempt.js';
import type { EndpointAgents } from './endpoint-agents.js';
import type { Memory } from './memory.js';
import type { Pooled } from './options.js';
import { IN_CONTEXT } from './pool-info.js';
import { RequestBody } from './request-body.js';
import type { UnderWay } from './under-way.js';

export interface Carriers {
  readonly pool: Pool;
  readonly agents: EndpointAgents;
  readonly memory: Memory;
  readonly bodyBytes: number;
  readonly headers: AttemptHeaders | undefined;
  readonly underWay: UnderWay;
}

/** Where the run and the lease behind an answer are told to, for those who can tie them to it. */
export const NOTE: unique symbol = Symbol('fairlead.note');

export type CarriedOptions = Dispatcher.DispatchOptions &
  Pooled & { readonly [NOTE]?: (run: Run, lease: Lease | undefined) => void };

/** One dispatch: attempts until the pool decides that it is over. Translates, never judges. */
export class CarriedDispatch implements AttemptOwner {
  readonly handler: Dispatcher.DispatchHandler;
  readonly outer = new StandInController((reason) => this.#aborted(reason));
  /** Where it stands among those under way; -1 when it does not. */
  slot = -1;
  readonly #options: CarriedOptions;
  readonly #carriers: Carriers;
  readonly #body: RequestBody;
  readonly #signal = new CallerSignal();
  #run: Run | undefined;
  #lease: Lease | undefined;
  /** Attempts under way: mostly one, more where the policy hedges or races. */
  readonly #out = new Set<Attempt>();
  /** The one whose answer is the caller's. */
  #delivering: Attempt | undefined;
  /** The last answer that was to be replaced: what the caller gets when all after it are dead. */
  #held: Attempt | undefined;
  #company: NodeJS.Timeout | undefined;
  /** The caller has an answer or an error. */
  #isOver = false;

  constructor(options: CarriedOptions, handler: Dispatcher.DispatchHandler, carriers: Carriers) {
    this.#options = options;
    this.handler = handler;
    this.#carriers = carriers;
    this.#body = new RequestBody(options.body);
  }

  get run(): Run {
    return this.#run!;
  }

  get bodyBytes(): number {
    return this.#carriers.bodyBytes;
  }

  get origin(): string | URL | undefined {
    return this.#options.origin;
  }

  get isSpent(): boolean {
    return this.#body.isSpent;
  }

  /** At once, and not when there is a connection: so the caller can abort whatever it is that takes long. */
  start(): void {
    // undici's `request` hands the context back with its answer.
    this.handler.onRequestStart?.(this.outer, { [IN_CONTEXT]: this });
    const { reason } = this.outer;
    if (reason !== null) return this.handler.onResponseError?.(this.outer, reason);
    try {
      this.#run = this.#carriers.pool.begin(this.#leaseRequest());
    } catch (error) {
      return this.handler.onResponseError?.(this.outer, error as Error);
    }
    this.#carriers.underWay.add(this);
    this.#next();
  }

  /** For `poolInfo`. */
  noteOn(subject: object): void {
    if (this.#run !== undefined) notePoolInfo(subject, this.#run, this.#lease);
  }

  ended(attempt: Attempt, ended: Ended): void {
    this.#out.delete(attempt);
    if (ended.kind === 'delivered') return this.#deliver(attempt);
    if (ended.kind === 'failed') return this.#failed(attempt.lease, ended);
    this.#held?.supersede();
    this.#held = attempt;
    // Another may still bring what this one could not.
    if (this.#out.size === 0) this.#next();
  }

  settled({ verdict }: Lease): void {
    this.#carriers.underWay.delete(this);
    // Whatever comes again for an answer that the pool calls good has its own reasons.
    if (verdict !== 'success' && verdict !== 'final') this.#carriers.memory.failed(this.handler, this.run);
  }

  #next(): void {
    const taken = this.run.take();
    if (!(taken instanceof Promise)) return this.#begin(taken);
    taken.then(this.#begin, (error: Error) => {
      this.#carriedBy(undefined);
      this.#fail(this.outer.reason ?? error);
    });
  }

  readonly #begin = (first: Lease): void => {
    // Called off between the grant and now.
    if (this.outer.reason !== null) {
      first.settle({ kind: 'abandoned', elapsedMs: 0 });
      return this.#fail(this.outer.reason);
    }
    this.#send(first);
    // One that could not be sent at all is over by now.
    if (this.#out.size > 0) this.#accompany('race');
  };

  /** Company for the attempts that are under way: in a race as much as the policy asks for. */
  #accompany(why: 'race' | 'hedge'): void {
    let more = this.run.beside(why);
    for (; more !== undefined && !(more instanceof Promise); more = this.run.beside(why)) {
      this.#send(more);
      if (why === 'hedge') return;
    }
    more?.then((lease) => {
      // Whom it was to keep company may be back by now.
      if (this.#isOver || this.outer.aborted) lease?.settle({ kind: 'abandoned', elapsedMs: 0 });
      else if (lease !== undefined) {
        this.#send(lease);
        if (why === 'race') this.#accompany(why);
      }
    }, IGNORE);
  }

  #send(lease: Lease): void {
    this.#carriedBy(lease);
    const attempt = new Attempt(this, lease);
    this.#out.add(attempt);
    const wait = this.run.hedgeAfterMs(lease);
    if (wait !== Number.POSITIVE_INFINITY) this.#hedgeAfter(wait);
    try {
      attempt.send(this.#carriers.agents.lease(lease.endpoint, this.run.request.session), this.#toSend(lease));
    } catch (error) {
      // Options that a connector will not have: nobody else would hear of it.
      attempt.refuse(error as Error);
    }
  }

  #toSend(lease: Lease): Dispatcher.DispatchOptions {
    const body = this.#body.toSend() as Dispatcher.DispatchOptions['body'];
    const added = headersOf(this.#carriers.headers, this.run, lease);
    if (body == null && added === undefined) return this.#options;
    const headers = added && { headers: withHeaders(this.#options.headers as Record<string, string>, added) };
    const sent = body == null ? this.#options : { ...this.#options, body };
    return headers === undefined ? sent : ({ ...sent, ...headers } as Dispatcher.DispatchOptions);
  }

  #hedgeAfter(wait: number): void {
    clearTimeout(this.#company);
    this.#company = setTimeout(() => {
      if (this.#out.size > 0) this.#accompany('hedge');
    }, wait);
  }

  #failed(lease: Lease, { outcome, error }: Ended & { kind: 'failed' }): void {
    if (this.outer.aborted) {
      lease.settle(outcome);
      return this.#fail(error);
    }
    const decision = this.run.report(lease, outcome);
    if (this.#out.size > 0) return;
    if ((decision.kind === 'reroute' || decision.kind === 'replay') && !this.isSpent) return this.#next();
    this.#fail(decision.kind === 'give-up' ? Object.assign(decision.error, { cause: error }) : error);
  }

  #deliver(attempt: Attempt): void {
    this.#isOver = true;
    this.#delivering = attempt;
    this.#carriedBy(attempt.lease);
    this.#cancelRest();
  }

  #fail(error: Error): void {
    const held = this.#held;
    // An answer that was not wanted says more than a proxy that failed after it.
    if (held?.isHeld && !this.outer.aborted) {
      this.#held = undefined;
      this.#deliver(held);
      return held.deliverHeld();
    }
    this.#isOver = true;
    this.#carriers.underWay.delete(this);
    this.#body.discard();
    this.#run?.end();
    this.#cancelRest();
    this.#carriers.memory.failed(this.handler, this.run);
    // undici's `request` makes no more of it than this one.
    this.noteOn(error);
    this.handler.onResponseError?.(this.outer, error);
  }

  #cancelRest(): void {
    clearTimeout(this.#company);
    for (const attempt of this.#out) attempt.supersede();
    this.#out.clear();
    this.#held?.supersede();
  }

  #aborted(reason: Error): void {
    const [first, ...rest] = this.#delivering === undefined ? this.#out : [this.#delivering];
    for (const attempt of rest) {
      this.#out.delete(attempt);
      attempt.supersede();
    }
    if (first === undefined) this.#signal.abort(reason);
    else first.abort(reason);
  }

  #carriedBy(lease: Lease | undefined): void {
    this.#lease = lease;
    this.#options[NOTE]?.(this.run, lease);
  }

  #leaseRequest(): LeaseRequest {
    const { origin = '', path, method, pool } = this.#options;
    return leaseRequestOf(pool, {
      target: `${String(origin)}${path}`,
      method,
      signal: this.#signal.signal,
      tried: this.#carriers.memory.of(this.handler),
      isOnce: this.#body.isOnce,
    });
  }
}

const IGNORE = (): void => undefined;
