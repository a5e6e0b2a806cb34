/**
 * Every constant of the default scheduler, by name, so that a simulation can change one and see what it is worth. Times
 * are milliseconds. Masses (S, F, Hs, Hf) count attempts and fade with their time constant.
 */
export const ETS_DEFAULTS = Object.freeze({
  /** Time constant of an endpoint's success and failure mass. @default 180_000 */
  tauMs: 180_000,
  /** Weight of the prior in an endpoint's success estimate, in attempts. @default 2 */
  priorWeight: 2,
  /** An endpoint that ever answered is presumed at least this good. @default 0.5 */
  provenPrior: 0.5,
  /** Least weight of one success in an endpoint's latency; while it has few, all weigh alike. @default 0.05 */
  latencyAlpha: 0.05,
  /** Endpoints quicker than this are alike, so that load decides among them and one does not get what all could carry. @default 60 */
  latencyFloorMs: 60,
  /** How much dearer an endpoint is held to be at its limit than when it is idle. @default 0.5 */
  loadWeight: 0.5,
  /** Weight of one attempt in the fleet's latency and failed-attempt duration. @default 0.02 */
  fleetAlpha: 0.02,
  /** What a success is presumed to take before the first one. @default 1_000 */
  latencyPriorMs: 1_000,
  /** What a failed attempt is presumed to take before the first one. @default 2_000 */
  failurePriorMs: 2_000,
  /** Time constant of the success rate of untried endpoints. @default 600_000 */
  noveltyTauMs: 600_000,
  /** Attempts the presumed rate of untried endpoints weighs. @default 2 */
  noveltyWeight: 2,
  /** Success rate presumed of untried endpoints. @default 0.5 */
  noveltyPrior: 0.5,
  /** Least and most the rate of untried endpoints is believed to be. @default [0.02, 0.98] */
  noveltyMin: 0.02,
  noveltyMax: 0.98,

  /** Most and least of the first attempts that go to endpoints on trial. @default 0.3 and 0.03 */
  trialShareMax: 0.3,
  trialShareMin: 0.03,
  /** Trials fall to their least once the limits of the active endpoints reach this multiple of the demand. @default 6 */
  trialRoom: 6,
  /** Share of choices made among uniformly drawn active endpoints, to refresh stale estimates. @default 0.01 */
  refreshShare: 0.01,
  /** Draws from one cost bucket. @default 16 */
  drawsPerBucket: 16,
  /** Sets of at most this size are searched whole. @default 32 */
  wholeSearch: 32,
  /** Draws after which an endpoint that fits a filter is looked for by a scan of at most this many rows. @default 4_096 */
  scanRows: 4_096,
  /** A cooling endpoint may be released early once it rested this long. @default 4_000 */
  earlyReleaseMs: 4_000,
  /** Pools of at most this size release cooling endpoints rather than wait. @default 16 */
  panicSize: 16,
  /** Even in a panic an endpoint rests this long, so that a dead fleet is not dialled in a hot loop. @default 250 */
  panicRestMs: 250,

  /** Chance that a connect fault of a proven endpoint is load, at its limit and below it. @default 0.15 and 0.015 */
  loadOddsAtLimit: 0.15,
  loadOdds: 0.015,
  /** An endpoint better than this is not cleared of a failure by a success that had begun before it. @default 0.85 */
  sureRate: 0.85,
  /** What is left of that chance after each failure in a row. @default 0.25 */
  loadFade: 0.25,
  /** Prior of a target being at fault: failures, and attempts. @default 0.3 and 10 */
  targetPriorFailures: 0.3,
  targetPriorAttempts: 10,
  /** Time constant of a target's counters. @default 20_000 */
  targetTauMs: 20_000,

  /** Cool an endpoint when its run of failures was this improbable. @default 0.001 */
  surprise: 0.001,
  /** … taking no endpoint for better than this. @default 0.96 */
  surpriseRateMax: 0.96,
  /** Cool an endpoint whose estimate is under this, with more than this many attempts known. @default 0.15 and 4 */
  hopelessRate: 0.15,
  hopelessAttempts: 4,
  /** On trial, one failure with more blame than this cools. @default 0.4 */
  trialBlame: 0.4,
  /** First cooldown, the longest first one of an untried endpoint, and the longest of all. @default 8_000, 120_000, 120_000 */
  cooldownMs: 8_000,
  cooldownUntriedMaxMs: 120_000,
  cooldownMaxMs: 120_000,
  /** Cooldowns are spread by this part of themselves either way. @default 0.25 */
  cooldownJitter: 0.25,
  /** An endpoint without a single success in this many attempts is evicted; 0 never evicts. @default 0 */
  evictAfter: 0,

  /** The concurrency limit an endpoint starts with, and the most it may learn. @default 4 and 64 */
  limitStart: 4,
  limitMax: 64,
  /** What is left of the limit when a connect fault was load. @default 0.75 */
  limitCut: 0.75,
  /** A connect fault that was load by more than this is remembered with what was carried. @default 0.5 */
  refusalLoad: 0.5,

  /** Attempts known before any is abandoned early. @default 50 */
  abandonSamples: 50,
  /** No attempt is abandoned before this, nor before this multiple of its endpoint's latency. @default 500 and 1.5 */
  abandonMinMs: 500,
  abandonMinRatio: 1.5,
  /** On a paced target an attempt is given this multiple of its time. @default 1.5 */
  pacedPatience: 1.5,
  /** First answers of endpoints that are known before an untried one is abandoned. @default 6 */
  firstSamples: 6,
  /** A late one of these stands for at most so many. @default 4 */
  firstLateMax: 4,
  /** Attempts that are given a multiple of their time, so that what is cut off stays known. @default 0.03 and 3 */
  fullTimeoutShare: 0.03,
  fullTimeoutFactor: 3,
  /** A success past this multiple of its time stands for all that were given up. @default 1.5 */
  lateFactor: 1.5,
  /** Hedge past this quantile of latency over the endpoint's own; least wait. @default 0.95 and 150 */
  hedgeQuantile: 0.95,
  hedgeMinMs: 150,

  /** The breaker opens past this failure mass and this share of it. @default 3 and 0.7 */
  breakerFailures: 3,
  breakerShare: 0.7,
  /** … or when the log-chance of the run of failing endpoints falls under this. @default -14 */
  breakerSurprise: -14,
  /** First probe, growth, longest wait between probes. @default 1_000, 1.6, 5_000 */
  probeMs: 1_000,
  probeGrowth: 1.6,
  probeMaxMs: 5_000,

  /** First block of a pair after a 403, and the longest of any. @default 30_000 and 600_000 */
  blockMs: 30_000,
  blockMaxMs: 600_000,
  /** Least block of a pair after a 429; else this multiple of the target's interval. @default 2_000 and 2 */
  throttleMs: 2_000,
  throttleIntervals: 2,
  /** Strikes that a success takes away after a throttling. @default 1 */
  throttleRelief: 1,
  /** Time constant of what is known of a target's own limit. @default 180_000 */
  limitTauMs: 180_000,
  /** Answers between two refusals that are known before a limit is taken as measured. @default 8 */
  limitSamples: 8,
  /** The pace keeps so far above the measured interval, and relaxes to so much of it. @default 1.03 and 0.9 */
  limitMargin: 1.03,
  limitFloor: 0.9,
  /** Strikes a success takes away after a denial. @default 0.1 */
  strikeRelief: 0.1,
  /** Pace a target first by this share of what its present rate allows. @default 0.7 */
  intervalShare: 0.7,
  /** … but at most this. @default 4_000 */
  intervalFirstMaxMs: 4_000,
  /** Growth of the interval per fresh 429 and per fresh 403. @default 1.25 and 1.25 */
  intervalThrottled: 1.25,
  intervalDenied: 1.25,
  /** Its decay per success after a 429; its time constant after a 403, and the least of that in intervals. @default 0.997, 50_000 and 3 */
  intervalDecay: 0.997,
  deniedTauMs: 50_000,
  deniedIntervals: 3,
  /** Where a refusal stops everybody: uses a pair is presumed to have had in store, the margin over what remains. @default 4 and 1.1 */
  graveBurst: 4,
  graveMargin: 1.1,
  /** … multiple of its pace at which a pair's store is presumed to fill up again. @default 2 */
  graveIdle: 2,
  /** … and at which it is while no pace is known. @default 60_000 */
  graveFullMs: 60_000,
  /** … most growth of the interval per 429, and of the first one over what is natural. @default 2 and 4 */
  graveMost: 2,
  graveFirstMost: 4,
  /** … least time between two raises by 429s. @default 20_000 */
  graveRaiseMs: 20_000,
  /** … growth per 403, and the share of refusals at which the interval stays as it is. @default 1.2 and 0.0125 */
  graveDenied: 1.2,
  graveShare: 0.0125,
  /** … and what 403s alone raise it to at most. @default 30_000 */
  graveDeniedMost: 30_000,
  /** … first block of a pair after a 403. @default 120_000 */
  graveBlockMs: 120_000,
  /** … endpoints take turns in a pool's first moments, and for so long after any refusal. @default 30_000 and 1_800_000 */
  courtesyStartMs: 30_000,
  courtesyKeepMs: 1_800_000,
  /** … those within so many half-octaves of the cheapest; a turn comes after uses of this share of them. @default 4 and 0.85 */
  courtesySpan: 4,
  courtesyShare: 0.85,
  /** Least time between two raises, or half the interval if longer. @default 500 */
  intervalRaiseMs: 500,
  /** Below this a target is not paced; above this no target is. @default 30 and 120_000 */
  intervalOffMs: 30,
  intervalMaxMs: 120_000,
});

/** The constants, each open to change. */
export type EtsConstants = { readonly [name in keyof typeof ETS_DEFAULTS]: number };
