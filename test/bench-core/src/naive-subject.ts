import { seeded, SLOTS, type Subject } from './subject.js';

/**
 * What one writes first: compute the same index for every endpoint from the same columns, without any decay, and take the
 * least that has room. The kernel is measured against it.
 */
export function naiveSubject(endpoints: number): Subject {
  const random = seeded(endpoints);
  const success = new Float32Array(endpoints);
  const failure = new Float32Array(endpoints);
  const latency = new Float32Array(endpoints);
  const limit = new Float32Array(endpoints).fill(4);
  const inFlight = new Uint16Array(endpoints);
  for (let row = 0; row < endpoints; row += 1) latency[row] = 60 * 100 ** random();
  const open = new Int32Array(SLOTS).fill(-1);
  let next = 0;
  return {
    name: 'naive',
    pair() {
      const slot = next;
      next = slot + 1 === SLOTS ? 0 : slot + 1;
      if (open[slot]! >= 0) settle(open[slot]!);
      open[slot] = cheapest();
      if (open[slot]! >= 0) inFlight[open[slot]!] = inFlight[open[slot]!]! + 1;
    },
  };

  function cheapest(): number {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let row = 0; row < endpoints; row += 1) {
      if (inFlight[row]! >= limit[row]!) continue;
      const rate = (1 + success[row]!) / (2 + success[row]! + failure[row]!);
      const cost = (latency[row]! + ((1 - rate) / rate) * FAILURE_MS) * (1 + inFlight[row]! / limit[row]!);
      if (cost >= least) continue;
      least = cost;
      best = row;
    }
    return best;
  }

  function settle(row: number): void {
    inFlight[row] = inFlight[row]! - 1;
    if (random() < 0.8) {
      success[row] = 0.95 * success[row]! + 1;
      latency[row] = latency[row]! + 0.15 * (60 * 100 ** random() - latency[row]!);
    } else failure[row] = 0.95 * failure[row]! + 1;
  }
}

const FAILURE_MS = 900;
