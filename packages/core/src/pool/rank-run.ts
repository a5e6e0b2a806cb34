import type { Instant } from '../ports/clock.js';
import type { Dispatcher } from './dispatcher.js';
import { later, type Refusal } from './refusal.js';
import type { Run } from './run.js';

/** Finds candidates for the question that was asked, by what the run's session allows; or says why there can be none. */
export function rankRun({ question, sessions, kernel }: Dispatcher, run: Run, now: Instant): Refusal | undefined {
  if (run.session === undefined) return void question.rank(run);
  const choice = sessions.choose(run, kernel, question.query, now);
  // Beside the session's exit nothing is bound, and nothing unbound.
  if (choice.kind === 'forced') return void question.rank(run);
  question.admission.session = run.session;
  question.admission.pin = run.pinTerms;
  switch (choice.kind) {
    case 'free':
      question.query.allowed = choice.allowed ?? question.query.allowed;
      return void question.rank(run);
    case 'pinned':
      return void question.rankOne(choice.row);
    case 'wait':
      return { retryAt: later(choice.until, now) };
    case 'lost':
      return { retryAt: now, error: choice.error };
    default:
      return choice satisfies never;
  }
}
