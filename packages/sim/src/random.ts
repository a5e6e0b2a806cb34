/** A number in [0, 1). Every draw of a simulation comes from one of these, so that a seed is a reproduction. */
export type Random = () => number;

/** Small fast counter generator (sfc32): long enough a period for any run, and four words of state. */
export function seededRandom(seed: number): Random {
  let a = mix(seed);
  let b = mix(a ^ 0x9e3779b9);
  let c = mix(b ^ 0x85ebca6b);
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let warm = 0; warm < 12; warm += 1) next();
  return next;
}

/**
 * A draw that depends on its coordinates alone. The world's own fate (who dies when) is drawn so, and is therefore the
 * same whatever the policy asks of it.
 */
export function drawAt(seed: number, row: number, count: number): number {
  const word = mix(mix(mix(seed) ^ Math.imul(row + 1, 0x27d4eb2f)) ^ Math.imul(count + 1, 0x165667b1));
  return (word >>> 0) / 4_294_967_296;
}

/** Standard normal, by Box and Muller. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export function exponential(mean: number, u: number): number {
  return -mean * Math.log(1 - u);
}

function mix(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
}
