import { RetryRequestError } from '@crawlee/core';
import type { Outcome } from '@fairlead/core';
import { isExhausted } from './exhaustion.js';
import { answerOf, type PageContext } from './page-context.js';
import type { PageDesk } from './page-desk.js';
import type { Page } from './page.js';
import type { SessionLink } from './session-link.js';

/** What a failed attempt costs its page. */
export type Price = 'a-retry' | 'nothing' | 'the-page' | 'the-crawl';

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

  /** An answer is here. Throws where the page has to go another way. */
  answered(page: Page, { request, session, crawler, response }: PageContext): void {
    const answer = answerOf(response);
    if (answer === undefined) return;
    const { status, header } = answer;
    // No answer of the target's: the gateway speaks, and `failed` will ask it why.
    if (header(ERROR_HEADER) !== undefined && page.wasRefused) {
      throw refusedError(page);
    }
    const seen: Outcome = {
      kind: 'response',
      status,
      latencyMs: page.elapsedMs,
      via: 'tunnel',
      headers: { get: header },
    };
    const left = page.report(seen, request.loadedUrl ?? request.url);
    // A page beside it, or the pool, may have left the exit before this answer was told: the page would be lost by it.
    if (!left && !(page.lostItsExit && isRefusal(status))) {
      if (session !== undefined) this.#link.join(session, crawler);
      return;
    }
    if (session !== undefined) this.#link.end(session);
    if (!this.#mayReplay(page)) return;
    const detour = new RetryRequestError(`${status} through this exit: the page goes through another`);
    this.#detours.add(detour);
    throw detour;
  }

  /** The attempt failed. Only the pool knows whether its exit was to blame. */
  failed(page: Page, { request, session }: PageContext, error: Error): Price {
    if (this.#detours.has(error)) return 'nothing';
    const { refusal } = page;
    if (page.lostItsSession) {
      if (session !== undefined) this.#link.end(session);
      return 'nothing';
    }
    if (refusal?.code === 'POOL_CLOSED') return 'the-crawl';
    if (refusal !== undefined && isExhausted(refusal)) return this.#exhausted(page, error);
    // After its answer was told, what fails is the user's own handler.
    if (page.reported) return 'a-retry';
    if (isTimeout(error) && page.isWaiting) return this.#exhausted(page, error);
    if (isTimeout(error)) page.report(silence(page.elapsedMs), request.url);
    // What the gateway refuses otherwise, such as a private address, no exit would change.
    const free = !page.wasRefused && page.lostItsExit && this.#mayReplay(page);
    this.#remember(page);
    return free ? 'nothing' : 'a-retry';
  }

  #exhausted(page: Page, error: Error): Price {
    const { onExhausted } = this.#desk.options;
    const { request, refusal } = page;
    error.cause ??= refusal;
    if (onExhausted === 'stop-crawl') return 'the-crawl';
    if (onExhausted === 'fail-page') return 'the-page';
    if (request !== undefined) this.#desk.memories.of(request).waits = true;
    return 'nothing';
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

/** Whatever the page's retries: Crawlee asks the pool about it. What the gateway refuses for good costs them as usual. */
function refusedError({ refusal, lostItsSession }: Page): Error {
  const text = refusal === undefined ? 'the exit of this session is gone' : `${refusal.code}: ${refusal.message}`;
  return lostItsSession || (refusal !== undefined && isExhausted(refusal))
    ? new RetryRequestError(text)
    : new Error(text);
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
