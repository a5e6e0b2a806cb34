import type { Subject } from './subject.js';

const WARM_MS = 300;
const WINDOW_MS = 250;
const WINDOWS = 7;
const SAMPLES = 200_000;

/** Pairs per second: the median of several windows, because the machine is shared. */
export function pairsPerSecond(subject: Subject): number {
  runFor(subject, WARM_MS);
  const rates = Array.from({ length: WINDOWS }, () => runFor(subject, WINDOW_MS)).sort((a, b) => a - b);
  return Math.round(rates[Math.floor(WINDOWS / 2)]!);
}

/** The 99th percentile of one pair in microseconds, less what reading the clock twice costs. */
export function p99Micros(subject: Subject): number {
  const timer = median(sampleOf(() => {}));
  return (
    Math.max(
      0,
      percentile(
        sampleOf(() => subject.pair()),
        0.99,
      ) - timer,
    ) * 1000
  );
}

function runFor(subject: Subject, ms: number): number {
  const started = performance.now();
  let pairs = 0;
  let now = started;
  while (now - started < ms) {
    const batch = pairs < 64 ? 1 : 64;
    for (let index = 0; index < batch; index += 1) subject.pair();
    pairs += batch;
    now = performance.now();
  }
  return (pairs / (now - started)) * 1000;
}

function sampleOf(call: () => void): Float64Array {
  const samples = new Float64Array(SAMPLES);
  for (let index = 0; index < SAMPLES; index += 1) {
    const started = performance.now();
    call();
    samples[index] = performance.now() - started;
  }
  return samples.sort();
}

function median(sorted: Float64Array): number {
  return percentile(sorted, 0.5);
}

function percentile(sorted: Float64Array, q: number): number {
  return sorted[Math.ceil(q * sorted.length) - 1]!;
}
