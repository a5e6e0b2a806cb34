import type { ClientRequest, IncomingMessage } from 'node:http';
import {
  notePoolInfo,
  toTarget,
  type Decision,
  type EndpointId,
  type Lease,
  type LeaseRequest,
  type Outcome,
  type Run,
  type Target,
} from '@fairlead/core';
import {
  answered,
  CallerSignal,
  Exchange,
  headersOf,
  isTunnelling,
  leaseRequestOf,
  viaOf,
  withHeaders,
  type AgentClient,
  type LeasedAgents,
} from '@fairlead/dial';
import type { RequestError, Response } from 'got';
import { checkAtLast, refuseBypass, refuseCompany } from './bypass.js';
import type { GotOptions, PoolContext } from './options.js';

/** One request of got's, through its retries and redirects: got keeps its loop, the run says how it goes on. */
export class CarriedRequest {
  readonly #carriers: AgentClient;
  #tried: readonly EndpointId[] = [];
  #run: Run | undefined;
  #lease: Lease | undefined;
  #exchange: Exchange | undefined;
  #leased: LeasedAgents | undefined;
  #decision: Decision | undefined;
  /** The last answer that was to be replaced. */
  #held: RequestError | undefined;
  #since = 0;
  /** Names of headers that the last attempt was given, and what stood there before. */
  #given: readonly string[] = [];
  #own: GotOptions['headers'] = {};
  /** Where the lease was taken for: by rules of the policy the run's own target can be wider. */
  #host: Target | undefined;
  #signal: AbortSignal | undefined;
  /** Heard by the pool while the request waits in line. */
  #ends = new CallerSignal();
  #waits = false;
  /** The answer as far as its head, once it is there. */
  #head: Outcome | undefined;
  /** Someone later knows more: the next hop of a redirect, or the hook that sees the body. */
  #deferred = false;
  #complete = false;
  #bodyIsOnce = false;
  /** The stream or generator that got has begun to read. */
  #begun: unknown;

  constructor(carriers: AgentClient) {
    this.#carriers = carriers;
  }

  /** Before each attempt and each hop: a lease, and agents that lead through it. */
  async prepare(options: GotOptions): Promise<void> {
    // Options of an answered request may be given to the next: agents of ours give way to those of its own lease.
    refuseBypass(options, isTunnelling);
    const { body } = options;
    // A redirect that asks for it again: got would send nothing, and not say so.
    if (isOnce(body) && body === this.#begun) throw new Error('the body of the request is gone');
    this.#begun = body;
    const url = String(options.url);
    if (!this.#keepsLease(toTarget(url))) await this.#take(options, url);
    this.#host = toTarget(url);
    const { http, https } = this.#leased!;
    options.agent = { http, https };
    checkAtLast(options, this.#isOurs);
  }

  readonly #isOurs = (agent: unknown): boolean => agent === this.#leased?.http || agent === this.#leased?.https;

  /** Whether the request is to be sent again. Throws what says that nothing is left to try. */
  goesOn(error: RequestError): boolean {
    const decision = this.#decision;
    if (decision?.kind === 'give-up') throw Object.assign(decision.error, { cause: error.cause ?? error });
    const again = (decision?.kind === 'reroute' || decision?.kind === 'replay') && !this.#bodyIsOnce;
    if (again && error.response !== undefined) this.#held = error;
    // Its body is gone.
    if (!again) this.#run?.end();
    return again;
  }

  /** What the caller is told: an answer that was to be replaced says more than a proxy that failed after it. */
  instead(error: RequestError): RequestError {
    const answered = error.response !== undefined || this.#signal?.aborted === true;
    return answered ? error : (this.#held ?? error);
  }

  /** The body is there, decoded. */
  seeBody({ rawBody }: Response): void {
    const { bodyBytes } = this.#carriers;
    const bodyPrefix = bodyBytes > 0 ? { bodyPrefix: rawBody.subarray(0, bodyBytes) } : {};
    if (this.#head !== undefined) this.#report({ ...this.#head, ...bodyPrefix } as Outcome);
  }

  /** got has come to an end: whatever is still open ends with it. */
  finish(error?: RequestError): void {
    // got hears of a broken answer before its stream does.
    if (error?.name === 'ReadError') this.#failed(error, true);
    if (this.#waits) this.#ends.abort(this.#signal?.reason);
    this.#ends.release();
    this.#close();
  }

  /** The attempt is over, whoever comes next. */
  #close(): void {
    const cutShort = !this.#complete && this.#exchange?.dropped === true;
    const whole = cutShort ? undefined : this.#head;
    if (whole === undefined && this.#hasTimedOut) this.#failed(this.#signal?.reason as Error);
    else this.#report(whole ?? { kind: 'abandoned', elapsedMs: this.#elapsedMs });
  }

  noteOn(subject: object): void {
    if (this.#run !== undefined) notePoolInfo(subject, this.#run, this.#lease);
  }

  /** A redirect on the same host goes on under its lease. */
  #keepsLease(target: Target): boolean {
    if (this.#lease === undefined || this.#lease.settled) return false;
    if (this.#deferred && this.#host === target) return true;
    this.#close();
    return false;
  }

  async #take(options: GotOptions, target: string): Promise<void> {
    const again = this.#decision?.kind === 'reroute' || this.#decision?.kind === 'replay';
    if (this.#run === undefined || !again) {
      this.#run = this.#carriers.pool.begin(this.#leaseRequest(options, target));
      refuseCompany(this.#run.policy);
    }
    this.#lease = undefined;
    this.#head = undefined;
    this.#decision = undefined;
    const taken = this.#run.take();
    const lease = taken instanceof Promise ? await this.#inLine(taken, options) : taken;
    const exchange = new Exchange(lease);
    const { session } = this.#run.request;
    const onRequest = (request: ClientRequest): void => {
      exchange.onRequest(request);
      this.#watch(request, options);
    };
    this.#leased = this.#carriers.agents.lease(lease.endpoint, {
      onRequest,
      ...(session === undefined ? undefined : { session }),
    });
    this.#lease = lease;
    this.#exchange = exchange;
    this.#since = performance.now();
    this.#identify(options);
  }

  /** What an earlier attempt was given goes first. */
  #identify(options: GotOptions): void {
    // One that a redirect to another host has taken off stays off.
    for (const name of this.#given) if (options.headers[name] !== undefined) options.headers[name] = this.#own[name];
    const added = headersOf(this.#carriers.headers, this.#run!, this.#lease!) ?? {};
    this.#given = Object.keys(added).map((name) => name.toLowerCase());
    this.#own = Object.fromEntries(this.#given.map((name) => [name, options.headers[name]]));
    options.headers = withHeaders(options.headers, added) as GotOptions['headers'];
  }

  /** got's own timeout begins with a connection. */
  async #inLine(taken: Promise<Lease>, { timeout: { request: timeoutMs } }: GotOptions): Promise<Lease> {
    const late = Object.assign(new Error(`Timeout awaiting 'request' for ${timeoutMs}ms`), { code: 'ETIMEDOUT' });
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.#ends.abort(late), timeoutMs);
    this.#waits = true;
    try {
      const lease = await taken;
      // Called off between the grant and now.
      if (this.#ends.aborted) lease.settle({ kind: 'abandoned', elapsedMs: 0 });
      return lease;
    } catch (error) {
      throw this.#ends.reason === late ? late : error;
    } finally {
      this.#waits = false;
      clearTimeout(timer);
    }
  }

  #leaseRequest({ context, method, signal, body }: GotOptions, target: string): LeaseRequest {
    const { pool }: PoolContext = context;
    this.#bodyIsOnce = isOnce(body);
    if (this.#run !== undefined) this.#tried = [...new Set([...this.#tried, ...this.#run.tried])];
    this.#signal = signal;
    this.#ends.release();
    this.#ends = new CallerSignal();
    this.#ends.follow(signal);
    const said = { target, method, signal: this.#ends.signal, tried: this.#tried, isOnce: this.#bodyIsOnce };
    return leaseRequestOf(pool, said);
  }

  #watch(request: ClientRequest, { followRedirect, isStream }: GotOptions): void {
    this.#deferred = false;
    this.#complete = false;
    this.#head = undefined;
    let answer: IncomingMessage | undefined;
    request.once('error', (error) => this.#failed(error));
    // A whole answer may be read long after its connection has gone.
    request.once('close', () => answer?.complete !== true && this.#failed(undefined));
    request.once('response', (response: IncomingMessage) => {
      answer = response;
      const { statusCode = 0, headers } = response;
      this.#head = answered({ status: statusCode, headers, latencyMs: this.#elapsedMs, via: viaOf(response) });
      const leads = REDIRECTS.has(statusCode) && headers.location !== undefined && followRedirect !== false;
      this.#deferred = leads || (this.#carriers.bodyBytes > 0 && !isStream);
      response.once('error', (error) => this.#failed(error, true));
      response.once('end', () => {
        this.#complete = true;
        if (!this.#deferred) this.#report(this.#head!);
      });
      response.once('close', () => !this.#complete && this.#failed(undefined, true));
    });
  }

  #failed(error: Error | undefined, response = false): void {
    if (this.#deferred && error === undefined) return;
    const elapsedMs = this.#elapsedMs;
    const { dropped = false } = this.#exchange ?? {};
    if ((dropped && !this.#hasTimedOut) || this.#exchange === undefined) this.#report({ kind: 'abandoned', elapsedMs });
    else {
      const answer = response || this.#head !== undefined;
      this.#report(this.#exchange.failure(error, elapsedMs, { response: answer, timedOut: this.#hasTimedOut }));
    }
  }

  #report(outcome: Outcome): void {
    if (this.#lease === undefined || this.#lease.settled) return;
    this.#decision = this.#run?.report(this.#lease, outcome);
    this.#leased?.close();
  }

  /** `AbortSignal.timeout` is a timeout, though got says that the request was aborted. */
  get #hasTimedOut(): boolean {
    const { reason }: { reason?: { name?: unknown } } = Object(this.#signal);
    return this.#signal?.aborted === true && reason?.name === 'TimeoutError';
  }

  get #elapsedMs(): number {
    return performance.now() - this.#since;
  }
}

/** What got follows. */
const REDIRECTS: ReadonlySet<number> = new Set([300, 301, 302, 303, 304, 307, 308]);

/** A stream or a generator has one reading in it; got begins that at once. */
function isOnce(body: unknown): boolean {
  const { pipe, next }: { pipe?: unknown; next?: unknown } = Object(body);
  return typeof pipe === 'function' || typeof next === 'function';
}
