import type { Attempted } from './attempt.js';
import { isStream } from './stream.js';

/** The last answer that was to be replaced: what the caller gets when all after it are dead. */
export class Held {
  #answer: Attempted | undefined;

  get answer(): Attempted | undefined {
    return this.#answer;
  }

  /** Takes its place; a stream that nobody will read any more is ended. */
  hold(answer: Attempted | undefined): void {
    const before: unknown = this.#answer?.response?.data;
    if (isStream(before)) before.destroy();
    this.#answer = answer;
    const { data }: { data?: unknown } = Object(answer?.response);
    // It may break before somebody reads it.
    if (isStream(data)) data.on('error', () => undefined);
  }

  /** What goes to the caller is let go of. */
  release(end: Attempted): Attempted {
    if (end === this.#answer) this.#answer = undefined;
    return end;
  }
}
