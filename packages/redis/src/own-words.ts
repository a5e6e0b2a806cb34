export type Subject = 'target' | 'session';

/**
 * What this worker says itself of targets and sessions: an answer that the store gave before is not to undo it, and once the
 * store has heard it the worker asks what came of it.
 */
export class OwnWords {
  readonly #open = new Set<Set<string>>();
  readonly #heard: Record<Subject, Set<string>> = { target: new Set(), session: new Set() };

  /** Something of it was decided here. */
  said(of: Subject, name: string): void {
    for (const words of this.#open) words.add(`${of} ${name}`);
  }

  /** The store has heard what was said of it. */
  heard(of: Subject, name: string): void {
    this.#heard[of].add(name);
  }

  /** Hands over of what the store has heard. */
  takeHeard(of: Subject): Iterable<string> {
    const names = this.#heard[of];
    this.#heard[of] = new Set();
    return names;
  }

  /** Begins to listen; the answer tells of what there were words since. */
  since(): { has(of: Subject, name: string): boolean; end(): void } {
    const words = new Set<string>();
    this.#open.add(words);
    return { has: (of, name) => words.has(`${of} ${name}`), end: () => void this.#open.delete(words) };
  }
}
