/**
 * A histogram over powers of 2^(1/8): a quantile read from it is within 5 % of the sample it stands for, at 320 numbers
 * for any count of samples. Past `FADE_AT` samples all are halved, so that it follows a fleet that changes.
 */
export interface LogHistogram {
  readonly bins: Float64Array;
  total: number;
}

const STEPS = 8;
const LOWEST = 2 ** -10;
const BINS = 320;
const FADE_AT = 8_192;

export function createHistogram(): LogHistogram {
  return { bins: new Float64Array(BINS), total: 0 };
}

export function addSample(histogram: LogHistogram, value: number, weight = 1): void {
  const bin = Math.floor(Math.log2(value / LOWEST) * STEPS);
  const index = Math.min(BINS - 1, Math.max(0, bin));
  histogram.bins[index] = histogram.bins[index]! + weight;
  histogram.total += weight;
  if (histogram.total > FADE_AT) fade(histogram);
}

/** The nearest-rank quantile, as the middle of its bin; NaN without samples. */
export function quantileOf(histogram: LogHistogram, q: number): number {
  if (histogram.total === 0) return Number.NaN;
  const rank = q * histogram.total;
  let seen = 0;
  for (let bin = 0; bin < BINS; bin += 1) {
    seen += histogram.bins[bin]!;
    // Halved counts add up to a hair less than the total: the last bin that holds anything must still be found.
    if (seen >= rank - 1e-9 && histogram.bins[bin]! > 0) return LOWEST * 2 ** ((bin + 0.5) / STEPS);
  }
  return LOWEST * 2 ** ((BINS - 0.5) / STEPS);
}

/** The nearest-rank quantile of sorted samples: the ceil(q·n)-th smallest. NaN without samples. */
export function nearestRank(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.max(0, Math.ceil(q * sorted.length - 1e-9) - 1)]!;
}

function fade(histogram: LogHistogram): void {
  let total = 0;
  for (let bin = 0; bin < BINS; bin += 1) total += histogram.bins[bin] = histogram.bins[bin]! / 2;
  histogram.total = total;
}
