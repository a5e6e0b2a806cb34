/** A mean and half the width of its 95 % interval. */
export interface Estimate {
  readonly mean: number;
  readonly ci: number;
}

/** Student's t at 97.5 % for 1 to 15 degrees of freedom; beyond, the normal is near enough with a little added. */
const T = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13];

export function estimate(samples: readonly number[]): Estimate {
  const n = samples.length;
  const mean = samples.reduce((sum, one) => sum + one, 0) / n;
  if (n < 2) return { mean, ci: Number.NaN };
  const variance = samples.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (n - 1);
  return { mean, ci: (T[n - 2] ?? 1.96 + 2.4 / (n - 1)) * Math.sqrt(variance / n) };
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(Math.max(value, 1e-9)), 0) / values.length);
}
