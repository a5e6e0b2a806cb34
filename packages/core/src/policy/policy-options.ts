import { ConfigurationError } from '../errors.js';
import { checkKeys, duration, finiteAtLeast, integerAtLeast, nearest } from '../option-check.js';
import {
  PRESET_NAMES,
  PRESETS,
  type CooldownPolicy,
  type HedgePolicy,
  type Policy,
  type PresetName,
  type RetryPolicy,
  type SuspensionPolicy,
} from './presets.js';
import type { SessionPolicy } from './session.js';

/** A preset, with some of its numbers replaced. */
export interface PolicyOptions {
  /** @default 'respectful' */
  readonly preset?: PresetName;
  readonly retry?: Partial<RetryPolicy>;
  readonly suspend?: Partial<SuspensionPolicy>;
  readonly hedge?: Partial<HedgePolicy>;
  readonly session?: Partial<SessionPolicy>;
  readonly cooldown?: CooldownPolicy;
  /** Give an attempt up once it takes longer than its endpoint's history allows. @default true, but under `relay` */
  readonly abandon?: boolean;
  /** @default Infinity, under `throughput` 8000 */
  readonly attemptTimeoutMs?: number;
  /** Least time between two uses of one endpoint on one target. @default 0, under `throughput` 500 */
  readonly minIntervalMs?: number;
}

const KEYS: readonly string[] = [
  'preset',
  'retry',
  'suspend',
  'hedge',
  'session',
  'cooldown',
  'abandon',
  'attemptTimeoutMs',
  'minIntervalMs',
] satisfies readonly (keyof PolicyOptions)[];

/** The preset with the user's numbers in it, checked and frozen. */
export function resolvePolicy(input: PresetName | PolicyOptions): Policy {
  const options: PolicyOptions = typeof input === 'string' ? { preset: input } : input;
  checkKeys(options, KEYS, 'policy');
  const base = findPreset(options.preset ?? 'respectful');
  const policy: Policy = {
    ...base,
    retry: merged(base.retry, options.retry, 'policy.retry'),
    suspend: merged(base.suspend, options.suspend, 'policy.suspend'),
    hedge: merged(base.hedge, options.hedge, 'policy.hedge'),
    session: merged(base.session, options.session, 'policy.session'),
    cooldown: options.cooldown ?? base.cooldown,
    abandon: options.abandon ?? base.abandon,
    attemptTimeoutMs: options.attemptTimeoutMs ?? base.attemptTimeoutMs,
    minIntervalMs: options.minIntervalMs ?? base.minIntervalMs,
  };
  checkPolicy(policy);
  return Object.freeze(policy);
}

function merged<T extends object>(base: T, own: Partial<T> | undefined, path: string): T {
  if (own === undefined) return base;
  checkKeys(own, Object.keys(base), path);
  return Object.freeze({ ...base, ...own });
}

function checkPolicy({ retry, suspend, hedge, session, cooldown, attemptTimeoutMs, minIntervalMs }: Policy): void {
  const { maxAttempts } = retry;
  if (maxAttempts !== Number.POSITIVE_INFINITY) integerAtLeast(maxAttempts, 1, 'policy.retry.maxAttempts');
  finiteAtLeast(retry.budget, 0, 'policy.retry.budget');
  duration(suspend.firstMs, 'policy.suspend.firstMs');
  duration(suspend.maxMs, 'policy.suspend.maxMs');
  duration(suspend.withinMs, 'policy.suspend.withinMs');
  integerAtLeast(suspend.denials, 1, 'policy.suspend.denials');
  finiteAtLeast(hedge.perAttempt, 0, 'policy.hedge.perAttempt');
  integerAtLeast(hedge.maxPerRequest, 0, 'policy.hedge.maxPerRequest');
  duration(session.ttlMs, 'policy.session.ttlMs');
  duration(session.maxMs, 'policy.session.maxMs');
  oneOf(session.keep, ['forever', 'ttl', 'sliding', 'count', 'request'], 'policy.session.keep');
  oneOf(session.per, ['session', 'target'], 'policy.session.per');
  oneOf(session.contract, ['prefer', 'strict', 'same-exit'], 'policy.session.contract');
  duration(attemptTimeoutMs, 'policy.attemptTimeoutMs');
  duration(minIntervalMs, 'policy.minIntervalMs');
  if (cooldown !== 'surprise') checkCooldown(cooldown);
}

function checkCooldown(cooldown: Exclude<CooldownPolicy, 'surprise'>): void {
  if (typeof cooldown !== 'object') {
    throw new ConfigurationError(
      'INVALID_OPTION',
      'policy.cooldown',
      "must be 'surprise' or { failures, baseMs, growth, maxMs }",
    );
  }
  checkKeys(cooldown, ['failures', 'baseMs', 'growth', 'maxMs'], 'policy.cooldown');
  integerAtLeast(cooldown.failures, 1, 'policy.cooldown.failures');
  duration(cooldown.baseMs, 'policy.cooldown.baseMs');
  finiteAtLeast(cooldown.growth, 1, 'policy.cooldown.growth');
  duration(cooldown.maxMs, 'policy.cooldown.maxMs');
}

function oneOf(value: string, known: readonly string[], item: string): void {
  if (known.includes(value)) return;
  throw new ConfigurationError('INVALID_OPTION', item, hintFor(value, known));
}

function findPreset(name: string): Policy {
  const known = PRESET_NAMES.find((candidate) => candidate === name);
  if (known !== undefined) return PRESETS[known];
  throw new ConfigurationError('UNKNOWN_PRESET', 'policy.preset', hintFor(String(name), PRESET_NAMES));
}

function hintFor(word: string, known: readonly string[]): string {
  const near = nearest(String(word), known);
  return near === undefined ? `is unknown; known are ${known.join(', ')}` : `is unknown; did you mean '${near}'?`;
}
