/**
 * A histogram of sixteen bins an octave, told apart by the number's own bits: a quantile read from it is within 4 % of
 * the sample it stands for, at 640 numbers for any count of samples. Past `FADE_AT` samples all are halved, so that it
 * follows a fleet that changes.
 */
export interface LogHistogram {
  readonly bins: Float32Array;
  total: number;
}

const LOWEST = 2 ** -10;
const SHIFT = 19;
const BINS = 640;
const FADE_AT = 8_192;

/** The middle and the upper end of each bin. */
const MIDDLES = Float64Array.from(
  { length: BINS },
  (_, bin) => LOWEST * 2 ** (bin >> 4) * (1 + ((bin & 15) + 0.5) / 16),
);
const UPPERS = Float64Array.from({ length: BINS }, (_, bin) => LOWEST * 2 ** (bin >> 4) * (1 + ((bin & 15) + 1) / 16));

const number = new Float32Array(1);
const bits = new Int32Array(number.buffer);

export function createHistogram(): LogHistogram {
  return { bins: new Float32Array(BINS), total: 0 };
}

export function addSample(histogram: LogHistogram, value: number, weight = 1, fadeAt = FADE_AT): void {
  const bin = binOf(value);
  histogram.bins[bin] = histogram.bins[bin]! + weight;
  histogram.total += weight;
  if (histogram.total > fadeAt) fade(histogram);
}

/** The nearest-rank quantile, as the middle of its bin; NaN without samples. */
export function quantileOf(histogram: LogHistogram, q: number): number {
  if (histogram.total === 0) return Number.NaN;
  const rank = q * histogram.total;
  let seen = 0;
  for (let bin = 0; bin < BINS; bin += 1) {
    seen += histogram.bins[bin]!;
    // Halved counts add up to a hair less than the total: the last bin that holds anything must still be found.
    if (seen >= rank - 1e-9 && histogram.bins[bin]! > 0) return middleOf(bin);
  }
  return middleOf(BINS - 1);
}

/** How failures come: the share that last until they are given up, and what the others take, in the histogram's unit. */
export interface FailureTimes {
  readonly hangs: number;
  readonly quick: number;
}

/**
 * The times after which starting anew beats waiting, for each of the success rates: where the expected time to a success
 * is least, over all bins. Waiting longer catches the slow successes; waiting less spares the time that hung attempts take.
 */
export function bestCuts(
  { bins, total }: LogHistogram,
  rates: Float64Array,
  { hangs, quick }: FailureTimes,
  cuts: Float64Array,
): void {
  const least = new Float64Array(rates.length).fill(Number.POSITIVE_INFINITY);
  cuts.fill(Number.POSITIVE_INFINITY);
  let seen = 0;
  let spent = 0;
  for (let bin = 0; bin < BINS && seen < total - 1e-9; bin += 1) {
    const count = bins[bin]!;
    if (count === 0) continue;
    seen += count;
    spent += count * middleOf(bin);
    const cut = upperOf(bin);
    const answered = (spent + (total - seen) * cut) / total;
    const failing = hangs * cut + (1 - hangs) * Math.min(quick, cut);
    for (let level = 0; level < rates.length; level += 1) {
      const rate = rates[level]!;
      const cost = ((rate * answered + (1 - rate) * failing) / (rate * seen)) * total;
      if (cost >= least[level]!) continue;
      least[level] = cost;
      cuts[level] = cut;
    }
  }
}

/** The nearest-rank quantile of sorted samples: the ceil(q·n)-th smallest. NaN without samples. */
export function nearestRank(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.max(0, Math.ceil(q * sorted.length - 1e-9) - 1)]!;
}

/** Exponent and upper mantissa of the number, counted from the lowest bin. */
function binOf(value: number): number {
  number[0] = value / LOWEST;
  return Math.min(BINS - 1, Math.max(0, (bits[0]! >> SHIFT) - (127 << (23 - SHIFT))));
}

function middleOf(bin: number): number {
  return MIDDLES[bin]!;
}

function upperOf(bin: number): number {
  return UPPERS[bin]!;
}

function fade(histogram: LogHistogram): void {
  let total = 0;
  for (let bin = 0; bin < BINS; bin += 1) total += histogram.bins[bin] = histogram.bins[bin]! / 2;
  histogram.total = total;
}
