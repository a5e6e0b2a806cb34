/** One paused target. */
export interface Suspension {
  /** Infinity: until somebody resumes it. */
  readonly until: number;
  readonly why: string;
}

/** Targets that are paused for every endpoint. */
export interface Suspensions {
  readonly byTarget: Map<string, Suspension>;
  readonly max: number;
}

export function createSuspensions(max: number): Suspensions {
  return { byTarget: new Map(), max };
}

/** When the target's suspension ends; 0 when there is none. */
export function suspendedUntil({ byTarget }: Suspensions, target: string, now: number): number {
  if (byTarget.size === 0) return 0;
  const suspension = byTarget.get(target);
  if (suspension === undefined) return 0;
  if (suspension.until > now) return suspension.until;
  byTarget.delete(target);
  return 0;
}

/** Pauses the target; a suspension that lasts longer stays. Returns false when there is no room for another. */
export function suspendTarget(
  suspensions: Suspensions,
  target: string,
  until: number,
  why: string,
  now: number,
): boolean {
  const { byTarget, max } = suspensions;
  const known = byTarget.get(target);
  if (known !== undefined && known.until >= until) return true;
  if (known === undefined && byTarget.size >= max) dropEnded(suspensions, now);
  if (known === undefined && byTarget.size >= max) return false;
  byTarget.set(target, { until, why });
  return true;
}

export function resumeTarget({ byTarget }: Suspensions, target: string): boolean {
  return byTarget.delete(target);
}

function dropEnded({ byTarget }: Suspensions, now: number): void {
  for (const [target, { until }] of byTarget) if (until <= now) byTarget.delete(target);
}
