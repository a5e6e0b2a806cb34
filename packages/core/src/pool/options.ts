import type { ProxyInput } from '../endpoint.js';
import { ConfigurationError } from '../errors.js';
import { checkKeys, duration, integerAtLeast, nearest } from '../option-check.js';
import { PRESET_NAMES, PRESETS, type Policy, type PresetName } from '../policy/presets.js';
import { systemClock, type Clock } from '../ports/clock.js';
import { systemRandom, type Random } from '../ports/random.js';
import type { Store } from '../ports/store.js';
import { memoryStore } from '../stores/memory.js';
import type { Strategy } from '../kernel/strategy.js';
import { roundRobin } from '../strategies/round-robin.js';

/** A preset, or a preset with some of its numbers replaced. */
export interface PolicyOptions {
  /** @default 'respectful' */
  readonly preset?: PresetName;
  readonly retry?: {
    /** Most attempts of which the target may have seen something; reroutes are not counted. @default 3 */
    readonly maxAttempts?: number;
  };
}

export interface PoolOptions {
  /** The proxies; more can be added later, and none is legal. @default [] */
  readonly proxies?: readonly ProxyInput[];
  /** What each verdict does. @default 'respectful' */
  readonly policy?: PresetName | PolicyOptions;
  /** Ranks the candidates. @default roundRobin() */
  readonly strategy?: Strategy;
  /** Where limits are held and knowledge is kept. @default memoryStore() */
  readonly store?: Store;
  /** How long a request may take in all, waiting included, unless it says otherwise. @default 60_000 */
  readonly deadlineMs?: number;
  /** How many callers may wait for a proxy at once. @default 1000 */
  readonly maxWaiting?: number;
  /** @default the system's monotonic clock */
  readonly clock?: Clock;
  /** @default Math.random */
  readonly random?: Random;
}

export type ResolvedOptions = Required<Omit<PoolOptions, 'policy'>> & { readonly policy: Policy };

const KEYS = ['proxies', 'policy', 'strategy', 'store', 'deadlineMs', 'maxWaiting', 'clock', 'random'] as const;

/** The scalar defaults of `PoolOptions`, in one place. */
export const POOL_DEFAULTS = Object.freeze({ deadlineMs: 60_000, maxWaiting: 1000 });

/** Checks what the user wrote and fills in the rest. */
export function resolveOptions(options: PoolOptions): ResolvedOptions {
  checkKeys(options, KEYS, '');
  const { proxies = [], deadlineMs = POOL_DEFAULTS.deadlineMs, maxWaiting = POOL_DEFAULTS.maxWaiting } = options;
  if (!Array.isArray(proxies)) throw new ConfigurationError('INVALID_OPTION', 'proxies', 'must be a list');
  duration(deadlineMs, 'deadlineMs');
  integerAtLeast(maxWaiting, 0, 'maxWaiting');
  return Object.freeze({
    proxies,
    deadlineMs,
    maxWaiting,
    policy: resolvePolicy(options.policy ?? 'respectful'),
    strategy: options.strategy ?? roundRobin(),
    store: options.store ?? memoryStore(),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  });
}

function resolvePolicy(policy: PresetName | PolicyOptions): Policy {
  const options: PolicyOptions = typeof policy === 'string' ? { preset: policy } : policy;
  checkKeys(options, ['preset', 'retry'], 'policy');
  const base = findPreset(options.preset ?? 'respectful');
  const retry = options.retry ?? {};
  checkKeys(retry, ['maxAttempts'], 'policy.retry');
  const maxAttempts = retry.maxAttempts ?? base.retry.maxAttempts;
  integerAtLeast(maxAttempts, 1, 'policy.retry.maxAttempts');
  return Object.freeze({ ...base, retry: Object.freeze({ maxAttempts }) });
}

function findPreset(name: string): Policy {
  const known = PRESET_NAMES.find((candidate) => candidate === name);
  if (known !== undefined) return PRESETS[known];
  const near = nearest(String(name), PRESET_NAMES);
  const hint = near === undefined ? `known are ${PRESET_NAMES.join(', ')}` : `did you mean '${near}'?`;
  throw new ConfigurationError('UNKNOWN_PRESET', 'policy.preset', `is not a preset; ${hint}`);
}
