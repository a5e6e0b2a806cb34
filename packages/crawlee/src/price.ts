import type { OnExhausted } from './options.js';

/** What a failed attempt costs its page: `a-replay` is free as often as the policy repeats a request. */
export type Price = 'a-retry' | 'a-replay' | 'nothing' | 'later' | 'the-page' | 'the-crawl';

/** Why the pool had no connection for a page, if it had none. */
export type Lack =
  /** It is closed. */
  | 'closed'
  /** None of its proxies is what the page asks for. */
  | 'unfit'
  /** All that could carry it are at rest, or its target is left alone. */
  | 'exhausted'
  /** All that could carry it are taken. */
  | 'busy';

/** What is known of a failed attempt. */
export interface Failure {
  /** The pool's own way of sending the page elsewhere: paid for already. */
  readonly detour: boolean;
  /** Its answer was told and read: what failed is the user's own. */
  readonly delivered: boolean;
  readonly lack: Lack | undefined;
  /** The exit failed it, or was lost on the way. */
  readonly byExit: boolean;
  /** It may be sent again: nothing was sent, or what was sent does no harm twice. */
  readonly repeatable: boolean;
}

/** One rule for all: the user's own failures are Crawlee's to count, the pool's are not. */
export function priceOf(failure: Failure, onExhausted: OnExhausted): Price {
  const { detour, delivered, lack, byExit, repeatable } = failure;
  if (detour) return 'nothing';
  if (delivered) return 'a-retry';
  switch (lack) {
    case 'closed':
      return 'the-crawl';
    case 'unfit':
      return 'the-page';
    case 'busy':
      return 'later';
    case 'exhausted':
      return PRICES[onExhausted];
    case undefined:
      return byExit && repeatable ? 'a-replay' : 'a-retry';
    default:
      return lack satisfies never;
  }
}

const PRICES = { wait: 'later', 'fail-page': 'the-page', 'stop-crawl': 'the-crawl' } as const satisfies Record<
  OnExhausted,
  Price
>;
