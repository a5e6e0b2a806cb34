/** The one way chance enters: a number in [0, 1). Give a seeded one to make a pool deterministic. */
export type Random = () => number;

export const systemRandom: Random = Math.random;
