import type { Verdict } from '../outcome.js';
import type { TargetPolicy } from './target-policy.js';
import { SESSION_DEFAULTS, type SessionPolicy } from './session.js';

/** What one verdict does. Data, not code paths. */
export interface Action {
  /** What the endpoint's health learns: it carried the attempt, it did not, it or the target did not, or nothing. */
  readonly health: 'good' | 'bad' | 'split' | 'none';
  /** Whether a session keeps its exit. */
  readonly pin: 'keep' | 'break';
  /** Whether the request is sent again, and through whom. */
  readonly retry: 'never' | 'same' | 'other';
  /** What it means for the target: counted towards a suspension, a block of this pair, a suspension, its breaker. */
  readonly target: 'none' | 'count' | 'block' | 'suspend' | 'breaker';
}

/** The names of the presets. */
export const PRESET_NAMES = ['respectful', 'rotate', 'throughput', 'sticky', 'relay'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

export interface RetryPolicy {
  /** Most attempts of which the target may have seen something; reroutes are not counted. */
  readonly maxAttempts: number;
  /** Replays and hedges the pool may spend, as a share of its successes. */
  readonly budget: number;
}

export interface SuspensionPolicy {
  /** The first suspension when the target names no time; doubles with each in a row. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** Denials of one target within `withinMs` that suspend it. */
  readonly denials: number;
  readonly withinMs: number;
}

export interface HedgePolicy {
  /** Tokens each attempt pays in; one hedge costs one. 0 hedges never. */
  readonly perAttempt: number;
  readonly maxPerRequest: number;
}

/** Several attempts at once from the start, of which the first good answer counts: for requests that may be sent twice. */
export interface RacePolicy {
  /** Most attempts out at once; 1 never races. */
  readonly paths: number;
  /** Fewer where the target's success rate of late makes fewer enough for nine requests in ten. */
  readonly adaptive: boolean;
}

/** Bytes that one target and one session may move, as far as `pool.countBytes` is told of them. */
export interface BytePolicy {
  /** A target that has moved so many is left alone until it is resumed. */
  readonly perTarget: number;
  /** A session that has fails until it is unbound. */
  readonly perSession: number;
}

/** An endpoint cools when its failures are improbable (`surprise`), or after so many in a row. */
export type CooldownPolicy =
  | 'surprise'
  | { readonly failures: number; readonly baseMs: number; readonly growth: number; readonly maxMs: number };

/** Plain data: what a request may do, and what each verdict does. */
export interface Policy {
  readonly preset: PresetName;
  readonly verdicts: Readonly<Record<Verdict, Action>>;
  readonly retry: RetryPolicy;
  readonly suspend: SuspensionPolicy;
  readonly hedge: HedgePolicy;
  readonly race: RacePolicy;
  readonly bytes: BytePolicy;
  readonly cooldown: CooldownPolicy;
  /** Attempts without a single success after which an endpoint is put away until resumed, at most 255; 0 leaves it to the constants. */
  readonly evictAfter: number;
  readonly session: SessionPolicy;
  /** Give an attempt up once it takes longer than its endpoint's history allows. */
  readonly abandon: boolean;
  /** What a lease counts as that was dropped, or showed no life, before anybody settled it. */
  readonly unreported: 'abandoned' | 'failure';
  readonly attemptTimeoutMs: number;
  /** The longest an answer may take from its first byte to its last. */
  readonly bodyDeadlineMs: number;
  /** The longest one wait for a proxy may take; the deadline bounds it all the same. */
  readonly maxWaitMs: number;
  /** Least time between two uses of one endpoint on one target. */
  readonly minIntervalMs: number;
  /** Policies of single targets; the first that matches decides. */
  readonly targets: readonly TargetPolicy[];
}

const carried: Action = { health: 'good', pin: 'keep', retry: 'never', target: 'none' };

const common: Readonly<Record<Verdict, Action>> = {
  success: carried,
  final: carried,
  throttled: { ...carried, target: 'suspend' },
  denied: { ...carried, target: 'count' },
  'target-fault': { ...carried, retry: 'other', target: 'breaker' },
  'endpoint-fault': { health: 'bad', pin: 'break', retry: 'other', target: 'none' },
  unclear: { health: 'split', pin: 'keep', retry: 'other', target: 'breaker' },
  abandoned: { health: 'none', pin: 'keep', retry: 'never', target: 'none' },
};

const respectful: Policy = {
  preset: 'respectful',
  verdicts: common,
  retry: { maxAttempts: 3, budget: 0.2 },
  suspend: { firstMs: 60_000, maxMs: 900_000, denials: 3, withinMs: 60_000 },
  hedge: { perAttempt: 0, maxPerRequest: 2 },
  race: { paths: 1, adaptive: true },
  bytes: { perTarget: Number.POSITIVE_INFINITY, perSession: Number.POSITIVE_INFINITY },
  cooldown: 'surprise',
  evictAfter: 0,
  session: SESSION_DEFAULTS,
  abandon: true,
  unreported: 'abandoned',
  attemptTimeoutMs: Number.POSITIVE_INFINITY,
  bodyDeadlineMs: Number.POSITIVE_INFINITY,
  maxWaitMs: Number.POSITIVE_INFINITY,
  minIntervalMs: 0,
  targets: [],
};

const elsewhere: Action = { health: 'good', pin: 'break', retry: 'other', target: 'block' };

const rotate: Policy = {
  ...respectful,
  preset: 'rotate',
  verdicts: { ...common, throttled: elsewhere, denied: elsewhere },
  retry: { maxAttempts: 4, budget: 0.2 },
  maxWaitMs: 30_000,
};

const throughput: Policy = {
  ...rotate,
  preset: 'throughput',
  retry: { maxAttempts: Number.POSITIVE_INFINITY, budget: 1 },
  race: { paths: 3, adaptive: true },
  cooldown: { failures: 3, baseMs: 30_000, growth: 2, maxMs: 300_000 },
  evictAfter: 30,
  maxWaitMs: Number.POSITIVE_INFINITY,
  attemptTimeoutMs: 8000,
  minIntervalMs: 500,
};

const sticky: Policy = {
  ...respectful,
  preset: 'sticky',
  cooldown: { failures: 5, baseMs: 30_000, growth: 1, maxMs: 30_000 },
  session: { ...SESSION_DEFAULTS, keep: 'ttl', ttlMs: 300_000, per: 'target', always: true },
  unreported: 'failure',
};

const passed: Action = { ...carried };

const relay: Policy = {
  ...respectful,
  preset: 'relay',
  verdicts: { ...common, throttled: passed, denied: passed, 'target-fault': passed },
  cooldown: { failures: 1, baseMs: 30_000, growth: 1, maxMs: 30_000 },
  retry: { maxAttempts: 3, budget: 0.2 },
  abandon: false,
};

/** One frozen table per preset; `respectful` is the default. */
export const PRESETS: Readonly<Record<PresetName, Policy>> = deepFreeze({
  respectful,
  rotate,
  throughput,
  sticky,
  relay,
});

/**
 * The options of the systems that presets stand for, as those systems have them: each is its preset, but for what our own
 * rules do better and what belongs to the whole pool. What is no option of a pool (probes, lists, state, draining) is not here.
 */
export const SEED_DEFAULTS = deepFreeze({
  rotate: {
    // One request at a time for each proxy, a fixed pace of a second, five failures in a row for two minutes.
    proxyDefaults: { maxInFlight: 1 },
    policy: {
      preset: 'rotate',
      minIntervalMs: 1000,
      cooldown: { failures: 5, baseMs: 120_000, growth: 1, maxMs: 120_000 },
    },
  },
  throughput: { maxInFlight: 100, maxWaiting: 1000, policy: { preset: 'throughput' } },
  sticky: { policy: { preset: 'sticky' } },
  relay: { policy: { preset: 'relay' } },
} as const);

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
