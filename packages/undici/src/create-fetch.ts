import { notePoolInfo, type Lease, type Pool, type Run } from '@fairlead/core';
import { pastThePool } from '@fairlead/dial';
import { fetch as undiciFetch, type Dispatcher, type RequestInfo, type RequestInit, type Response } from 'undici';
import { toBody, toInput, wholeBody } from './given-body.js';
import { NOTE, type CarriedOptions } from './carried-dispatch.js';
import type { Pooled, PoolDispatcherOptions } from './options.js';
import { poolDispatcher } from './pool-dispatcher.js';

/** undici's fetch with one more option; it takes what Node's takes too, and can stand in its place. */
export interface PoolFetch {
  (input: RequestInfo, init?: RequestInit & Pooled): Promise<Response>;
  (input: NodeFetch[0], init?: NonNullable<NodeFetch[1]> & Pooled): ReturnType<typeof globalThis.fetch>;
}

type NodeFetch = Parameters<typeof globalThis.fetch>;

/** A fetch whose requests go through the pool. It is undici's own and not Node's, which knows no undici but the one it was built with. */
export function createFetch(pool: Pool, options: PoolDispatcherOptions = {}): PoolFetch {
  const dispatcher = poolDispatcher(pool, options);
  const fetch = async (input: RequestInfo | NodeFetch[0], init: RequestInit & Pooled = {}): Promise<Response> => {
    const { pool: own, dispatcher: foreign, ...rest } = init;
    if (foreign != null) throw pastThePool("its own 'dispatcher'");
    const call = new Call(dispatcher, own, init.body);
    if (init.body != null) rest.body = toBody(init.body);
    try {
      const response = await undiciFetch(toInput(input), { ...rest, dispatcher: call as unknown as Dispatcher });
      call.noteOn(response);
      return response;
    } catch (error) {
      call.noteOn(error);
      throw error;
    }
  };
  return fetch as PoolFetch;
}

/** The dispatcher of one call: fetch drops options that it does not know. */
class Call {
  readonly #dispatcher: Dispatcher;
  readonly #pool: Pooled['pool'];
  readonly #body: unknown;
  #run: Run | undefined;
  #lease: Lease | undefined;

  constructor(dispatcher: Dispatcher, pool: Pooled['pool'], body: unknown) {
    this.#dispatcher = dispatcher;
    this.#pool = pool;
    this.#body = body;
  }

  dispatch(asked: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const note = (run: Run, lease: Lease | undefined): void => {
      this.#run = run;
      this.#lease = lease;
    };
    // Ours first: what begins as a copy and is added to costs more to look at.
    const own = this.#pool === undefined ? { [NOTE]: note } : { [NOTE]: note, pool: this.#pool };
    const options: CarriedOptions = { ...own, ...asked, ...this.#whole(asked.body) };
    return this.#dispatcher.dispatch(options, handler);
  }

  noteOn(subject: unknown): void {
    if (this.#run !== undefined) notePoolInfo(subject, this.#run, this.#lease);
  }

  /** fetch makes a stream of every body; one that was given whole can be sent again as such. */
  #whole(body: Dispatcher.DispatchOptions['body']): Pick<Dispatcher.DispatchOptions, 'body'> {
    const whole = body == null ? undefined : wholeBody(this.#body);
    return whole === undefined ? {} : { body: whole as NonNullable<Dispatcher.DispatchOptions['body']> };
  }
}
