import { isVerdict } from '../outcome-check.js';
import type { Outcome, Verdict } from '../outcome.js';
import { classify } from '../policy/classify.js';
import type { Emitter } from './events.js';
import type { ResolvedOptions } from './options.js';
import { onRejection } from './rejection.js';

/** Whose fault an outcome is: the user's own word first, ours where that says nothing or cannot be believed. */
export class Judge {
  readonly #options: Pick<ResolvedOptions, 'classify'>;
  readonly #events: Emitter;

  constructor(options: Pick<ResolvedOptions, 'classify'>, events: Emitter) {
    this.#options = options;
    this.#events = events;
  }

  verdictOn(outcome: Outcome): Verdict {
    const own = this.#options.classify;
    if (own === undefined) return classify(outcome);
    const failed = (error: unknown): void => this.#events.emit('listener-error', { event: 'classify', error });
    try {
      const verdict = own(outcome);
      if (isVerdict(verdict)) return verdict;
      onRejection(verdict, failed);
      if (verdict !== undefined) throw new TypeError('the classifier answered no verdict');
    } catch (error) {
      failed(error);
    }
    return classify(outcome);
  }
}
