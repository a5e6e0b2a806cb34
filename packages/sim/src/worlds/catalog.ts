import { dc429, dcBans, degrade, targetDown } from './datacenter.js';
import { freeChurn, freeLarge, scale100k, scale20k } from './free.js';
import { mixed } from './mixed.js';
import type { WorldPlan } from './plan.js';
import { dearestOnly, fairness, loneLimit, pileOn, softBlocks, stickySessions, tiers, warmRestart } from './proving.js';
import { outage, resiCaps, resiOpen } from './residential.js';
import { tiny } from './small.js';

/** The worlds of the score; all but the arrival-bound one enter the geometric mean. */
export const SCENARIOS: readonly WorldPlan[] = [
  freeLarge,
  freeChurn,
  resiCaps,
  resiOpen,
  dcBans,
  dc429,
  targetDown,
  outage,
  degrade,
  tiny,
  mixed,
];

/** Worlds that are asked for by name only. */
export const EXTRA_SCENARIOS: readonly WorldPlan[] = [
  scale20k,
  scale100k,
  tiers,
  dearestOnly,
  pileOn,
  loneLimit,
  softBlocks,
  stickySessions,
  fairness,
  warmRestart,
];
