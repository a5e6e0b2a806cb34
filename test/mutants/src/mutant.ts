/** A fault planted in a copy of core: a text that must stand there once, and what it becomes. */
export interface Mutant {
  readonly name: string;
  /** Below packages/core/src. */
  readonly file: string;
  readonly find: string;
  readonly becomes: string;
  /** What it breaks hangs: ended from outside it counts as caught, as no other does. */
  readonly hangs?: true;
}
