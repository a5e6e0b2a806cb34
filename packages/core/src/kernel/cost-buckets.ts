/** Half-octave buckets of cost: 26 of them reach from 60 ms to eight minutes. */
export const BUCKETS = 26;

const LOWEST_MS = 60;
const number = new Float32Array(1);
const bits = new Uint32Array(number.buffer);
const SQRT2_MANTISSA = 0x3504f3;

/** The bucket of a cost, by the exponent and the upper half of the mantissa: a logarithm without computing one. */
export function bucketOf(cost: number): number {
  number[0] = cost / LOWEST_MS;
  const word = bits[0]!;
  const half = (word & 0x7fffff) >= SQRT2_MANTISSA ? 1 : 0;
  const bucket = ((word >>> 23) - 127) * 2 + half;
  return bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS - 1 : bucket;
}
