import { ConfigurationError } from '../errors.js';
import { checkKeys, duration, finiteAtLeast, integerAtLeast, nearest, ofType, ownOptions } from '../option-check.js';
import {
  PRESET_NAMES,
  PRESETS,
  type CooldownPolicy,
  type HedgePolicy,
  type BytePolicy,
  type Policy,
  type PresetName,
  type RacePolicy,
  type RetryPolicy,
  type SuspensionPolicy,
} from './presets.js';
import type { SessionPolicy } from './session.js';
import type { TargetPolicy } from './target-policy.js';
import { compileTargetPattern } from './target-rules.js';
import type { Target } from '../target.js';

/** A preset, with some of its numbers replaced. */
export interface PolicyOptions {
  /** @default 'respectful' */
  readonly preset?: PresetName;
  readonly retry?: Partial<RetryPolicy>;
  readonly suspend?: Partial<SuspensionPolicy>;
  readonly hedge?: Partial<HedgePolicy>;
  readonly race?: Partial<RacePolicy>;
  readonly bytes?: Partial<BytePolicy>;
  readonly session?: Partial<SessionPolicy>;
  readonly cooldown?: CooldownPolicy;
  /** Attempts without a single success after which an endpoint is put away until resumed; 0 is never. @default 0, under `throughput` 30 */
  readonly evictAfter?: number;
  /** Give an attempt up once it takes longer than its endpoint's history allows. @default true, but under `relay` */
  readonly abandon?: boolean;
  /** What a lease counts as that was dropped, or showed no life, before anybody settled it. @default 'abandoned', under `sticky` 'failure' */
  readonly unreported?: 'abandoned' | 'failure';
  /** @default Infinity, under `throughput` 8000 */
  readonly attemptTimeoutMs?: number;
  /** The longest an answer may take from its first byte to its last. @default Infinity */
  readonly bodyDeadlineMs?: number;
  /** The longest one wait for a proxy may take. @default Infinity, under `rotate` 30_000 */
  readonly maxWaitMs?: number;
  /** Least time between two uses of one endpoint on one target. @default 0, under `throughput` 500 */
  readonly minIntervalMs?: number;
  /** What differs for some targets; the first rule that matches decides. @default [] */
  readonly targets?: readonly TargetRule[];
}

/** What holds for the whole pool, and differs by no target. */
type WholePool = 'preset' | 'cooldown' | 'evictAfter' | 'targets';

/** What differs for the targets that match. */
export interface TargetRule extends Omit<PolicyOptions, WholePool> {
  /** `shop.example`, `.shop.example`, `*.shop.example`, with an optional port and path; a RegExp is tested on the host. */
  readonly match: string | RegExp;
  /** Keeps health for all that match under one key. */
  readonly name?: string;
}

/** In the order of the manual. */
export const POLICY_KEYS: readonly string[] = [
  'preset',
  'retry',
  'suspend',
  'hedge',
  'race',
  'bytes',
  'session',
  'cooldown',
  'evictAfter',
  'abandon',
  'unreported',
  'attemptTimeoutMs',
  'bodyDeadlineMs',
  'maxWaitMs',
  'minIntervalMs',
  'targets',
] satisfies readonly (keyof PolicyOptions)[];

const RULE_KEYS: readonly string[] = [
  ...POLICY_KEYS.filter(
    (key) => !(['preset', 'cooldown', 'evictAfter', 'targets'] satisfies WholePool[] as string[]).includes(key),
  ),
  'match',
  'name',
];

/** The preset with the user's numbers in it, checked and frozen. */
export function resolvePolicy(input: PresetName | PolicyOptions): Policy {
  const options: PolicyOptions = ownOptions(typeof input === 'string' ? { preset: input } : input, 'policy');
  checkKeys(options, POLICY_KEYS, 'policy');
  const base = findPreset(options.preset ?? 'respectful');
  const own = overlay(
    { ...base, cooldown: options.cooldown ?? base.cooldown, evictAfter: options.evictAfter ?? base.evictAfter },
    options,
    'policy',
  );
  if (options.targets !== undefined && !Array.isArray(options.targets)) {
    throw new ConfigurationError('INVALID_OPTION', 'policy.targets', 'must be a list of rules');
  }
  const targets = (options.targets ?? []).map((rule, index) => resolveRule(own, rule, `policy.targets[${index}]`));
  return Object.freeze({ ...own, targets: Object.freeze(targets) });
}

function resolveRule(base: Policy, input: TargetRule, path: string): TargetPolicy {
  const rule = ownOptions(input, path);
  checkKeys(rule, RULE_KEYS, path);
  if (rule.name !== undefined) ofType(rule.name, 'string', `${path}.name`);
  return Object.freeze({
    matches: compileTargetPattern(rule.match, `${path}.match`),
    name: rule.name as Target | undefined,
    policy: overlay(base, rule, path),
  });
}

function overlay(base: Policy, options: Omit<PolicyOptions, WholePool>, path: string): Policy {
  const policy: Policy = {
    ...base,
    retry: merged(base.retry, options.retry, `${path}.retry`),
    suspend: merged(base.suspend, options.suspend, `${path}.suspend`),
    hedge: merged(base.hedge, options.hedge, `${path}.hedge`),
    race: merged(base.race, options.race, `${path}.race`),
    bytes: merged(base.bytes, options.bytes, `${path}.bytes`),
    session: merged(base.session, options.session, `${path}.session`),
    abandon: options.abandon ?? base.abandon,
    unreported: options.unreported ?? base.unreported,
    attemptTimeoutMs: options.attemptTimeoutMs ?? base.attemptTimeoutMs,
    bodyDeadlineMs: options.bodyDeadlineMs ?? base.bodyDeadlineMs,
    maxWaitMs: options.maxWaitMs ?? base.maxWaitMs,
    minIntervalMs: options.minIntervalMs ?? base.minIntervalMs,
  };
  checkPolicy(policy, path);
  return Object.freeze(policy);
}

function merged<T extends object>(base: T, own: Partial<T> | undefined, path: string): T {
  if (own === undefined) return base;
  const given = ownOptions(own, path);
  checkKeys(given, Object.keys(base), path);
  return Object.freeze({ ...base, ...given });
}

function checkPolicy(policy: Policy, path: string): void {
  const { retry, suspend, hedge, race, bytes, session, cooldown } = policy;
  const { maxAttempts } = retry;
  if (maxAttempts !== Number.POSITIVE_INFINITY) integerAtLeast(maxAttempts, 1, `${path}.retry.maxAttempts`);
  finiteAtLeast(retry.budget, 0, `${path}.retry.budget`);
  duration(suspend.firstMs, `${path}.suspend.firstMs`);
  duration(suspend.maxMs, `${path}.suspend.maxMs`);
  duration(suspend.withinMs, `${path}.suspend.withinMs`);
  integerAtLeast(suspend.denials, 1, `${path}.suspend.denials`);
  finiteAtLeast(hedge.perAttempt, 0, `${path}.hedge.perAttempt`);
  integerAtLeast(hedge.maxPerRequest, 0, `${path}.hedge.maxPerRequest`);
  duration(bytes.perTarget, `${path}.bytes.perTarget`);
  duration(bytes.perSession, `${path}.bytes.perSession`);
  integerAtLeast(race.paths, 1, `${path}.race.paths`);
  ofType(race.adaptive, 'boolean', `${path}.race.adaptive`);
  duration(session.ttlMs, `${path}.session.ttlMs`);
  duration(session.maxMs, `${path}.session.maxMs`);
  integerAtLeast(session.maxUses, 1, `${path}.session.maxUses`);
  ofType(policy.abandon, 'boolean', `${path}.abandon`);
  oneOf(policy.unreported, ['abandoned', 'failure'], `${path}.unreported`);
  oneOf(session.keep, ['forever', 'ttl', 'sliding', 'count', 'request'], `${path}.session.keep`);
  oneOf(session.per, ['session', 'target'], `${path}.session.per`);
  oneOf(session.contract, ['prefer', 'strict', 'same-exit'], `${path}.session.contract`);
  oneOf(session.geo, ['open', 'closed'], `${path}.session.geo`);
  ofType(session.always, 'boolean', `${path}.session.always`);
  for (const name of ['attemptTimeoutMs', 'bodyDeadlineMs', 'maxWaitMs', 'minIntervalMs'] as const) {
    duration(policy[name], `${path}.${name}`);
  }
  if (cooldown !== 'surprise') checkCooldown(cooldown);
  integerAtLeast(policy.evictAfter, 0, `${path}.evictAfter`);
  if (policy.evictAfter > MOST_MISSES) {
    throw new ConfigurationError('INVALID_OPTION', `${path}.evictAfter`, `must be at most ${MOST_MISSES}`);
  }
}

/** What the kernel counts up to. */
const MOST_MISSES = 255;

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
