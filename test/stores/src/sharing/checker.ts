import { readFileSync } from 'node:fs';
import { COMMAND_MS, LIMIT, PACE_MS, TTL_MS } from './order.js';

/** One use of an endpoint, from when it was granted to when it was over. */
interface Use {
  readonly endpoint: number;
  readonly from: number;
  to: number;
}

/** What a worker wrote down, and what was done to it. */
export interface WorkerLog {
  readonly path: string;
  /** When it was killed. */
  killedAt?: number;
}

export interface Findings {
  readonly grants: number;
  readonly oversubscribed: number;
  readonly paceViolations: number;
  /** For each worker the moments of its grants. */
  readonly grantTimes: readonly (readonly number[])[];
  readonly batches: readonly Batch[];
  /** Attempts that have ended, by their workers' word. */
  readonly settled: number;
  /** How often a process stood still for longer than its leases may be sure of. */
  readonly stalls: number;
}

/** A batch of soft records that a worker sent. */
export interface Batch {
  readonly worker: string;
  readonly sequence: number;
  readonly epoch: number;
  readonly attempts: number;
  acknowledged: boolean;
}

/** Reads what all workers wrote down and counts every moment at which an endpoint carried more than it may. */
export function check(logs: readonly WorkerLog[]): Findings {
  const uses: Use[] = [];
  const paced: Paced[] = [];
  let stallCount = 0;
  let settled = 0;
  const grantTimes: number[][] = [];
  const batches: Batch[] = [];
  for (const log of logs) {
    const times: number[] = [];
    const open = new Map<string, Use>();
    const lines = readFileSync(log.path, 'utf8').split('\n');
    const stalls = stallsOf(lines);
    stallCount += stalls.length;
    for (const line of lines) {
      const [letter, first = '', second = '', third = '', fourth = ''] = line.split(' ');
      if (letter === 'G') {
        const use: Use = { endpoint: Number(third), from: Number(first), to: Number.POSITIVE_INFINITY };
        open.set(second, use);
        uses.push(use);
        times.push(use.from);
        if (fourth === 'p') paced.push({ endpoint: use.endpoint, at: use.from, late: lateness(use.from, stalls) });
      } else if (letter === 'R' || letter === 'L') {
        settled += 1;
        const use = open.get(second);
        if (use !== undefined) end(use, Number(first), stalls);
        open.delete(second);
      } else if (letter === 'B') {
        batches.push({
          worker: first,
          sequence: Number(second),
          epoch: Number(third),
          attempts: Number(fourth),
          acknowledged: false,
        });
      } else if (letter === 'A') {
        for (const batch of batches)
          if (batch.worker === first && batch.sequence === Number(second)) batch.acknowledged = true;
      }
    }
    // A process that is dead uses nothing any more.
    for (const use of open.values()) use.to = log.killedAt ?? use.to;
    grantTimes.push(times);
  }
  const oversubscribed = overlaps(uses);
  return {
    grants: uses.length,
    oversubscribed,
    paceViolations: tooSoon(paced),
    grantTimes,
    batches,
    stalls: stallCount,
    settled,
  };
}

/**
 * Whoever is stopped does nothing, be it by a signal or for want of a processor: a lease that ran out meanwhile was over when
 * that began. One that goes on being used after the process has woken is not let off.
 */
function end(use: Use, at: number, stalls: readonly Stall[]): void {
  const stall = stalls.find(({ from, to }) => use.from <= from && at >= to && at - to < WAKING_MS);
  use.to = stall === undefined ? at : stall.from;
}

/** A time in which a process wrote nothing down, though it does so every few milliseconds. */
interface Stall {
  readonly from: number;
  readonly to: number;
}

/** Part of a lease's life that is left at least when a process that renews it is stopped. */
const SAFE_MS = TTL_MS * 0.7;
const WAKING_MS = 100;

function stallsOf(lines: readonly string[]): Stall[] {
  const stalls: Stall[] = [];
  let before = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    if (!/^[GRLSH] /.test(line)) continue;
    const at = Number(line.split(' ')[1]);
    if (at - before > SAFE_MS) stalls.push({ from: before, to: at });
    before = at;
  }
  return stalls;
}

function overlaps(uses: readonly Use[]): number {
  const moments = uses.flatMap((use) => [
    { at: use.from, change: 1, endpoint: use.endpoint },
    { at: use.to, change: -1, endpoint: use.endpoint },
  ]);
  moments.sort((a, b) => a.at - b.at || a.change - b.change);
  const inFlight = new Map<number, number>();
  let over = 0;
  for (const { change, endpoint } of moments) {
    const count = (inFlight.get(endpoint) ?? 0) + change;
    inFlight.set(endpoint, count);
    if (change > 0 && count > LIMIT) over += 1;
  }
  return over;
}

/** A use of the paced target, and how much later than it was granted it may have been written down. */
interface Paced {
  readonly endpoint: number;
  readonly at: number;
  readonly late: number;
}

function lateness(at: number, stalls: readonly Stall[]): number {
  const stall = stalls.find(({ to }) => at >= to && at - to < WAKING_MS);
  return COMMAND_MS + (stall === undefined ? 0 : stall.to - stall.from);
}

/** Two uses that cannot have been a pace apart, whenever in the time a command may take each was granted. */
function tooSoon(paced: readonly Paced[]): number {
  const byEndpoint = new Map<number, Paced[]>();
  for (const use of paced) byEndpoint.set(use.endpoint, [...(byEndpoint.get(use.endpoint) ?? []), use]);
  let violations = 0;
  for (const uses of byEndpoint.values()) {
    uses.sort((a, b) => a.at - b.at);
    for (let index = 1; index < uses.length; index += 1) {
      const before = uses[index - 1]!;
      if (uses[index]!.at - before.at + before.late < PACE_MS) violations += 1;
    }
  }
  return violations;
}
