import { RetryRequestError } from '@crawlee/core';
import type { Outcome } from '@fairlead/core';
import type { TicketRefusal } from '@fairlead/gateway';
import { lackOf } from './exhaustion.js';
import { answerOf, type PageContext } from './page-context.js';
import type { PageDesk } from './page-desk.js';
import type { Page } from './page.js';
import { priceOf, type Lack, type Price } from './price.js';
import type { SessionLink } from './session-link.js';

/** The gateway's own answers say so in a header; only while it says the same itself is that believed. */
const ERROR_HEADER = 'x-fairlead-error';

/** Tells the pool what pages came to, and says what a failure costs. */
export class PageJudge {
  readonly #desk: PageDesk;
  readonly #link: SessionLink;
  /** Errors of ours, by which a page goes another way. */
  readonly #detours = new WeakSet<Error>();

  constructor(desk: PageDesk, link: SessionLink) {
    this.#desk = desk;
    this.#link = link;
  }

  /** An answer is here. True: it is one that a page is done with. Throws where the page has to go another way. */
  answered(page: Page, { request, session, crawler, response }: PageContext): boolean {
    const answer = answerOf(response);
    if (answer === undefined) return false;
    const { status, header, url = request.url } = answer;
    // No answer of the target's: the gateway speaks, and `failed` will ask it why.
    if (header(ERROR_HEADER) !== undefined && page.wasRefused) throw this.#refusedError(page);
    const seen: Outcome = {
      kind: 'response',
      status,
      latencyMs: page.elapsedMs,
      via: 'tunnel',
      headers: { get: header },
    };
    const left = page.report(seen, url);
    // A page beside it, or the pool, may have left the exit before this answer was told: the page would be lost by it.
    if (!left && !(page.lostItsExit && isRefusal(status))) {
      if (session !== undefined) this.#link.join(session, crawler);
      return !isRefusal(status);
    }
    if (session !== undefined) this.#link.end(session);
    if (!page.isRepeatable || !this.#mayReplay(page)) return false;
    const detour = new RetryRequestError(`${status} through this exit: the page goes through another`);
    this.#detours.add(detour);
    throw detour;
  }

  /** The attempt failed. Only the pool knows whether its exit was to blame. */
  failed(page: Page, { request, session }: PageContext, error: Error): Exclude<Price, 'a-replay'> {
    const { refusal } = page;
    const delivered = page.reported && !page.broke;
    const timedOut = !page.reported && refusal === undefined && isTimeout(error);
    const silent = timedOut && page.heardNothing;
    const waited = silent && page.wasWaiting;
    // What was given up before its exit had its time is nobody's failure.
    if (timedOut && !waited) page.report(silence(page.elapsedMs), request.url);
    const price = priceOf(
      {
        detour: this.#detours.has(error),
        delivered,
        lack: this.#lackOf(page, waited),
        byExit: page.broke || page.lostItsExit || page.lostItsSession || silent || refusal?.phase === 'tunnel',
        repeatable: page.isRepeatable || refusal !== undefined,
      },
      this.#desk.options.onExhausted,
    );
    if (price === 'nothing' || delivered) return price === 'a-replay' ? 'a-retry' : price;
    if (page.lostItsSession && session !== undefined) this.#link.end(session);
    error.cause ??= refusal;
    if (price === 'later') this.#desk.parking.putAside(request, refusal);
    if (price === 'a-replay') return this.#mayReplay(page) ? 'nothing' : 'a-retry';
    if (price === 'a-retry') this.#remember(page);
    return price;
  }

  #lackOf(page: Page, waited: boolean): Lack | undefined {
    const { refusal } = page;
    const lack = waited ? 'busy' : refusal && lackOf(refusal);
    return lack && this.#desk.lackFor(page.request, lack);
  }

  /** Whatever the page's retries: Crawlee asks the pool about it. What the gateway refuses for good costs them as usual. */
  #refusedError({ refusal }: Page): Error {
    const text = refusal === undefined ? 'the exit of this session is gone' : `${refusal.code}: ${refusal.message}`;
    return refusal === undefined || isOurs(refusal) ? new RetryRequestError(text) : new Error(text);
  }

  /** A page is repeated for its exits' sake as often as the policy repeats a request. */
  #mayReplay(page: Page): boolean {
    const memory = this.#remember(page);
    if (memory === undefined) return false;
    memory.replays += 1;
    return memory.replays < this.#desk.pool.policy.retry.maxAttempts;
  }

  #remember({ request, exit, lostItsExit }: Page) {
    if (request === undefined) return undefined;
    const memory = this.#desk.memories.of(request);
    if (exit !== undefined) memory.failed.add(exit.endpoint);
    if (exit !== undefined && lostItsExit) memory.refusedTier = Math.max(memory.refusedTier, exit.tier);
    return memory;
  }
}

function isOurs(refusal: TicketRefusal): boolean {
  return refusal.code === 'SESSION_LOST' || refusal.phase === 'tunnel' || lackOf(refusal) !== undefined;
}

/** What Crawlee takes for a block, or for a failure, and fails the page for. */
function isRefusal(status: number): boolean {
  return status === 401 || status === 403 || status === 429 || status >= 500;
}

/** The client gave up waiting; the gateway saw it go, and blames nobody for that. */
function silence(elapsedMs: number): Outcome {
  return { kind: 'failure', phase: 'response', code: 'ETIMEDOUT', elapsedMs, sent: 'maybe', fault: 'unclear' };
}

function isTimeout({ name, message }: Error): boolean {
  return name === 'TimeoutError' || /timed? ?out/i.test(message);
}
