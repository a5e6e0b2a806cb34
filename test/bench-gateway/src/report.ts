const quiet = process.argv.includes('--json');

/** Progress, for who watches. */
export function say(text: string): void {
  if (!quiet) process.stderr.write(`${text}\n`);
}

export function argument(flag: string, otherwise: number): number {
  const index = process.argv.indexOf(flag);
  return index < 0 ? otherwise : Number(process.argv[index + 1]);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
