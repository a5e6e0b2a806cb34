import { seededRandom } from '@fairlead/core/testing';

/** Draws of one seeded life. */
export class Chance {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  yes(probability: number): boolean {
    return this.random() < probability;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  between(least: number, most: number): number {
    return least + this.random() * (most - least);
  }
}
